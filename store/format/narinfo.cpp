// narinfo and nix-cache-info. Both are «Key: value» lines; a value starts after the colon and one space and ends at the
// newline, so that an empty value is written with its space.
#include "store/format/narinfo.hpp"
#include "store/format/encoding.hpp"
#include <algorithm>
#include <charconv>

namespace store {
namespace {

constexpr size_t kMaxTextBytes = 4u << 20; // far above any reference list; bounds what a hostile cache makes us read
constexpr std::string_view kUnknownDeriver = "unknown-deriver";

std::unexpected<Error> malformed(std::string message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{ErrorCode::malformed, std::move(message), offset});
}

// Calls `field(key, value, offset of the value)` for each line.
template <class Field> Result<void> for_each_line(std::string_view text, const Field& field) {
  if (text.size() > kMaxTextBytes)
    return std::unexpected(
        Error{ErrorCode::limit, "the text is larger than " + std::to_string(kMaxTextBytes) + " bytes"});
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return malformed("the last line is not ended", begin);
    const std::string_view line = text.substr(begin, end - begin);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("expected \"Key: value\"", begin);
    if (colon + 1 >= line.size() || line[colon + 1] != ' ')
      return malformed("no space after \"" + std::string{line.substr(0, std::min<size_t>(colon, 32))} + ":\"",
                       begin + colon + 1);
    TRY_VOID(field(line.substr(0, colon), line.substr(colon + 2), begin + colon + 2));
    begin = end + 1;
  }
  return {};
}

template <class Number> Result<Number> parse_number(std::string_view text, uint64_t offset) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return malformed("expected a decimal number", offset);
  return value;
}

// An error inside a value is one of the whole text, at that offset.
template <class T> Result<T> at(Result<T> result, uint64_t offset) {
  if (!result) {
    Error& error = result.error();
    error.offset = offset + (error.offset == kNoOffset ? 0 : error.offset);
    if (error.code == ErrorCode::invalid) error.code = ErrorCode::malformed;
  }
  return result;
}

template <class Each> Result<void> for_each_word(std::string_view text, uint64_t offset, const Each& each) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end == begin) return malformed("two spaces in a list", offset + begin);
    TRY_VOID(each(text.substr(begin, end - begin), offset + begin));
    if (end + 1 == text.size()) return malformed("a space at the end of a list", offset + end);
    begin = end + 1;
  }
  return {};
}

} // namespace

std::string PathInfo::fingerprint(std::string_view store_dir) const {
  std::string text =
      "1;" + path.full(store_dir) + ";" + nar_hash.to_string() + ";" + std::to_string(nar_size_bytes) + ";";
  bool first = true;
  for (const StorePath& reference : references) {
    if (!first) text.push_back(',');
    first = false;
    text.append(reference.full(store_dir));
  }
  return text;
}

void PathInfo::sign(const SecretKey& key) {
  std::erase_if(signatures, [&](const Signature& signature) { return signature.key_name == key.name(); });
  signatures.push_back(key.sign(as_bytes(fingerprint())));
}

Result<void> PathInfo::verify_signatures(const std::vector<PublicKey>& trusted) const {
  return verify_any(as_bytes(fingerprint()), signatures, trusted);
}

bool PathInfo::is_self_certifying() const {
  constexpr std::string_view prefix = "fixed:r:";
  if (!content_address.starts_with(prefix)) return false;
  const Result<Hash> hash = Hash::parse(std::string_view{content_address}.substr(prefix.size()));
  if (!hash || hash->algorithm != HashAlgorithm::sha256 || *hash != nar_hash) return false;
  // With a reference to itself, the address hashes a NAR in which that reference is blanked: not this hash.
  if (references.contains(path)) return false;
  const Result<StorePath> made = make_source_path(path.name(), *hash, references);
  return made && *made == path;
}

Result<NarInfo> NarInfo::parse(std::string_view text, std::string_view store_dir) {
  std::optional<StorePath> path, deriver;
  std::optional<Hash> nar_hash, file_hash;
  std::optional<uint64_t> nar_size, file_size;
  std::optional<std::string> url, compression, content_address;
  std::optional<StorePathSet> references;
  std::vector<Signature> signatures;
  bool deriver_seen = false;

  const auto once = [](const auto& value, std::string_view key, uint64_t offset) -> Result<void> {
    if (value) return malformed("\"" + std::string{key} + "\" stands twice", offset);
    return {};
  };
  TRY_VOID(for_each_line(text, [&](std::string_view key, std::string_view value, uint64_t offset) -> Result<void> {
    if (key == "StorePath") {
      TRY_VOID(once(path, key, offset));
      path = TRY(at(StorePath::parse(value, store_dir), offset));
    } else if (key == "URL") {
      TRY_VOID(once(url, key, offset));
      if (value.empty()) return malformed("the URL is empty", offset);
      url = value;
    } else if (key == "Compression") {
      TRY_VOID(once(compression, key, offset));
      compression = value;
    } else if (key == "FileHash") {
      TRY_VOID(once(file_hash, key, offset));
      file_hash = TRY(at(Hash::parse(value), offset));
    } else if (key == "FileSize") {
      TRY_VOID(once(file_size, key, offset));
      file_size = TRY(parse_number<uint64_t>(value, offset));
    } else if (key == "NarHash") {
      TRY_VOID(once(nar_hash, key, offset));
      nar_hash = TRY(at(Hash::parse(value, HashAlgorithm::sha256), offset));
    } else if (key == "NarSize") {
      TRY_VOID(once(nar_size, key, offset));
      nar_size = TRY(parse_number<uint64_t>(value, offset));
      if (*nar_size == 0) return malformed("no NAR has the size 0", offset);
    } else if (key == "References") {
      TRY_VOID(once(references, key, offset));
      StorePathSet set;
      TRY_VOID(for_each_word(value, offset, [&](std::string_view word, uint64_t word_offset) -> Result<void> {
        StorePath reference = TRY(at(StorePath::parse_base_name(word), word_offset));
        if (!set.insert(std::move(reference)).second) return malformed("a reference stands twice", word_offset);
        return {};
      }));
      references = std::move(set);
    } else if (key == "Deriver") {
      if (deriver_seen) return malformed("\"Deriver\" stands twice", offset);
      deriver_seen = true;
      if (value != kUnknownDeriver && !value.empty()) {
        deriver = TRY(at(StorePath::parse_base_name(value), offset));
        if (!deriver->is_derivation()) return malformed("the deriver's name does not end in .drv", offset);
      }
    } else if (key == "Sig") {
      signatures.push_back(TRY(at(Signature::parse(value), offset)));
    } else if (key == "CA") {
      TRY_VOID(once(content_address, key, offset));
      content_address = value;
    }
    return {};
  }));

  if (!path) return malformed("\"StorePath\" is missing");
  if (!url) return malformed("\"URL\" is missing");
  if (!nar_hash) return malformed("\"NarHash\" is missing");
  if (!nar_size) return malformed("\"NarSize\" is missing");
  NarInfo result{.info = {.path = std::move(*path), .nar_hash = *nar_hash, .nar_size_bytes = *nar_size},
                 .url = std::move(*url),
                 .compression = compression && !compression->empty() ? std::move(*compression) : "bzip2",
                 .file_hash = file_hash,
                 .file_size_bytes = file_size};
  if (references) result.info.references = std::move(*references);
  result.info.deriver = std::move(deriver);
  result.info.signatures = std::move(signatures);
  if (content_address) result.info.content_address = std::move(*content_address);
  return result;
}

std::string NarInfo::to_string(std::string_view store_dir) const {
  std::string text;
  const auto line = [&](std::string_view key, std::string_view value) {
    text.append(key).append(": ").append(value).push_back('\n');
  };
  line("StorePath", info.path.full(store_dir));
  line("URL", url);
  line("Compression", compression);
  if (file_hash) line("FileHash", file_hash->to_string());
  if (file_size_bytes) line("FileSize", std::to_string(*file_size_bytes));
  line("NarHash", info.nar_hash.to_string());
  line("NarSize", std::to_string(info.nar_size_bytes));
  std::string references;
  for (const StorePath& reference : info.references)
    references.append(references.empty() ? "" : " ").append(reference.base_name());
  line("References", references);
  if (info.deriver) line("Deriver", info.deriver->base_name());
  for (const Signature& signature : info.signatures) line("Sig", signature.to_string());
  if (!info.content_address.empty()) line("CA", info.content_address);
  return text;
}

Result<CacheInfo> CacheInfo::parse(std::string_view text) {
  CacheInfo info{.want_mass_query = false, .priority = 50}; // one that does not say is asked after those that do
  bool store_dir_seen = false;
  TRY_VOID(for_each_line(text, [&](std::string_view key, std::string_view value, uint64_t offset) -> Result<void> {
    if (key == "StoreDir") {
      if (!value.starts_with('/')) return malformed("the store directory is no absolute path", offset);
      info.store_dir = value;
      store_dir_seen = true;
    } else if (key == "WantMassQuery") {
      if (value != "0" && value != "1") return malformed("\"WantMassQuery\" is 0 or 1", offset);
      info.want_mass_query = value == "1";
    } else if (key == "Priority") {
      info.priority = TRY(parse_number<int>(value, offset));
    }
    return {};
  }));
  if (!store_dir_seen) return malformed("\"StoreDir\" is missing");
  return info;
}

std::string CacheInfo::to_string() const {
  return "StoreDir: " + store_dir + "\nWantMassQuery: " + (want_mass_query ? "1" : "0") +
         "\nPriority: " + std::to_string(priority) + "\n";
}

} // namespace store
