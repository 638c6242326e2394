#include "store/local/content_address.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/user_error.hpp"
#include <fcntl.h>
#include <vector>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20; // as of derivations, which are the largest texts there are

Hash hash_file(const fs::path& file, HashAlgorithm algorithm) {
  Hasher hasher{algorithm};
  const UniqueFd fd = open_file(file, O_RDONLY | O_NOFOLLOW);
  std::vector<std::byte> buffer(size_t{256} << 10);
  while (const size_t size = read_some(fd.get(), buffer, file)) hasher.update(std::span{buffer}.first(size));
  return hasher.finish();
}

Hash hash_nar(const fs::path& tree, HashAlgorithm algorithm) {
  Hasher hasher{algorithm};
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    hasher.update(bytes);
    return {};
  }};
  dump_path(tree, writer);
  unwrap(writer.finish(), tree.string());
  return hasher.finish();
}

std::string compare(const PathInfo& info, const Hash& stated, const Hash& found, const Result<StorePath>& path) {
  if (stated != found) return "its content has the hash " + found.to_string() + ", not that of " + info.content_address;
  if (!path || *path != info.path) return "its path does not follow from " + info.content_address;
  return {};
}

} // namespace

bool is_plain_file(const fs::path& tree) {
  const fs::file_status status = fs::symlink_status(tree);
  return status.type() == fs::file_type::regular && (status.permissions() & fs::perms::owner_exec) == fs::perms::none;
}

Hash content_hash(const fs::path& tree, bool recursive, HashAlgorithm algorithm) {
  return recursive ? hash_nar(tree, algorithm) : hash_file(tree, algorithm);
}

std::string wrong_content_address(const PathInfo& info, const fs::path& tree) {
  if (info.references.contains(info.path)) return {};
  std::string_view text = info.content_address;
  const auto skip = [&](std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
  };
  const bool is_text = skip("text:"), is_fixed = !is_text && skip("fixed:"), recursive = is_fixed && skip("r:");
  const Result<Hash> stated = Hash::parse(text);
  if ((!is_text && !is_fixed) || !stated || (is_text && stated->algorithm != HashAlgorithm::sha256))
    return "\"" + info.content_address + "\" is no content address";
  if (recursive && stated->algorithm == HashAlgorithm::sha256)
    return compare(info, *stated, info.nar_hash, make_source_path(info.path.name(), *stated, info.references));
  if (!recursive && !is_plain_file(tree)) return "it is not a plain file, as " + info.content_address + " says";
  if (is_text) {
    const std::string contents = read_file(tree, kMaxTextBytes);
    return compare(info, *stated, hash_text(contents),
                   make_text_path(info.path.name(), as_bytes(contents), info.references));
  }
  if (!info.references.empty()) return "it refers to other paths, which " + info.content_address + " does not allow";
  const Hash found = content_hash(tree, recursive, stated->algorithm);
  return compare(info, *stated, found, make_fixed_output_path(info.path.name(), recursive, *stated));
}

} // namespace store
