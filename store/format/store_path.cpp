// Store path digests and names. Fingerprints follow the manual to the letter: the store directory is part of them.
#include "store/format/store_path.hpp"
#include "store/format/encoding.hpp"
#include <algorithm>

namespace store {
namespace {

constexpr std::string_view kNamePunctuation = "+-._?=";

constexpr bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kNamePunctuation.contains(c);
}

std::unexpected<Error> invalid(std::string message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{ErrorCode::invalid, std::move(message), offset});
}

// At most 80 bytes of an input, for messages.
std::string excerpt(std::string_view text) {
  return text.size() <= 80 ? std::string{text} : std::string{text.substr(0, 80)} + "…";
}

Result<StorePath> make_store_path(std::string_view type, const Hash& inner, std::string_view name,
                                  std::string_view store_dir) {
  TRY_VOID(check_store_path_name(name));
  std::string fingerprint;
  fingerprint.reserve(type.size() + store_dir.size() + name.size() + 80);
  fingerprint.append(type)
      .append(":sha256:")
      .append(inner.base16())
      .append(":")
      .append(store_dir)
      .append(":")
      .append(name);
  const auto digest = fold_hash_20(hash_text(fingerprint));
  return StorePath::parse_base_name(encode_nix32(digest).append("-").append(name));
}

void append_references(std::string& type, const StorePathSet& references, std::string_view store_dir) {
  for (const StorePath& reference : references) type.append(":").append(reference.full(store_dir));
}

} // namespace

Result<void> check_store_path_name(std::string_view name) {
  if (name.empty()) return invalid("a store path's name is empty");
  if (name.size() > kMaxStorePathNameLength) {
    return invalid("the name \"" + excerpt(name) + "\" has " + std::to_string(name.size()) + " characters; at most " +
                   std::to_string(kMaxStorePathNameLength) + " are allowed");
  }
  const auto bad = std::ranges::find_if_not(name, is_name_char);
  if (bad != name.end()) {
    return invalid("the name \"" + excerpt(name) + "\" contains a character that is not of [0-9a-zA-Z+-._?=]",
                   static_cast<uint64_t>(bad - name.begin()));
  }
  if (name == "." || name == ".." || name.starts_with(".-") || name.starts_with("..-"))
    return invalid("the name \"" + excerpt(name) + "\" would be taken for a folder's own or its parent's", 0);
  return {};
}

Result<StorePath> StorePath::parse_base_name(std::string_view base_name) {
  if (base_name.size() < kStorePathDigestLength + 2 || base_name[kStorePathDigestLength] != '-')
    return invalid("\"" + excerpt(base_name) + "\" is no store path: expected 32 digits, \"-\" and a name");
  for (size_t i = 0; i < kStorePathDigestLength; ++i) {
    if (!kNix32Alphabet.contains(base_name[i]))
      return invalid("the digest of \"" + excerpt(base_name) + "\" contains a character that is no nix32 digit", i);
  }
  if (Result<void> checked = check_store_path_name(base_name.substr(kStorePathDigestLength + 1)); !checked) {
    if (checked.error().offset != kNoOffset) checked.error().offset += kStorePathDigestLength + 1;
    return std::unexpected(std::move(checked).error());
  }
  return StorePath{std::string{base_name}};
}

Result<StorePath> StorePath::parse(std::string_view full_path, std::string_view store_dir) {
  if (!full_path.starts_with(store_dir) || full_path.size() <= store_dir.size() || full_path[store_dir.size()] != '/')
    return invalid("\"" + excerpt(full_path) + "\" is not in the store directory " + std::string{store_dir});
  Result<StorePath> path = parse_base_name(full_path.substr(store_dir.size() + 1));
  if (!path && path.error().offset != kNoOffset) path.error().offset += store_dir.size() + 1;
  return path;
}

std::string StorePath::full(std::string_view store_dir) const {
  std::string path;
  path.reserve(store_dir.size() + 1 + base_name_.size());
  return path.append(store_dir).append("/").append(base_name_);
}

Result<StorePath> make_text_path(std::string_view name, Bytes contents, const StorePathSet& references,
                                 std::string_view store_dir) {
  std::string type = "text";
  append_references(type, references, store_dir);
  return make_store_path(type, hash_bytes(contents), name, store_dir);
}

Result<StorePath> make_source_path(std::string_view name, const Hash& nar_sha256, const StorePathSet& references,
                                   bool self_reference, std::string_view store_dir) {
  if (nar_sha256.algorithm != HashAlgorithm::sha256)
    return invalid("a source path is made from a sha256 hash, not " + nar_sha256.to_string());
  std::string type = "source";
  append_references(type, references, store_dir);
  if (self_reference) type.append(":self");
  return make_store_path(type, nar_sha256, name, store_dir);
}

Result<StorePath> make_fixed_output_path(std::string_view name, bool recursive, const Hash& hash,
                                         std::string_view store_dir) {
  if (recursive && hash.algorithm == HashAlgorithm::sha256) return make_source_path(name, hash, {}, false, store_dir);
  std::string text = "fixed:out:";
  text.append(recursive ? "r:" : "").append(to_string(hash.algorithm)).append(":").append(hash.base16()).append(":");
  return make_store_path("output:out", hash_text(text), name, store_dir);
}

Result<StorePath> make_output_path(std::string_view drv_name, std::string_view output_id, const Hash& hash_modulo,
                                   std::string_view store_dir) {
  if (hash_modulo.algorithm != HashAlgorithm::sha256)
    return invalid("an output path is made from a sha256 hash, not " + hash_modulo.to_string());
  std::string name{drv_name};
  if (output_id != "out") name.append("-").append(output_id);
  return make_store_path("output:" + std::string{output_id}, hash_modulo, name, store_dir);
}

} // namespace store
