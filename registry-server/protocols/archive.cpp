#include "registry-server/protocols/archive.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/user_error.hpp"
#include "store/remote/compression.hpp"
#include <vector>

namespace registry {

namespace {

[[noreturn]] void refuse(const std::string& message) { throw store::UserError(store::UserErrorCode::refused, message); }

void check(const store::Result<void>& result, std::string_view subject) {
  if (!result) refuse(result.error().describe(subject));
}

} // namespace

bool is_readable(std::string_view compression) {
  return compression == "none" || compression == "zstd" || compression == "xz";
}

void read_archive(const OpenBlob& archive, const store::NarInfo& narinfo, store::NarVisitor& visitor) {
  const std::string subject = "NAR of " + narinfo.info.path.base_name();
  store::NarReader reader{visitor};
  store::Hasher hasher;
  const store::ByteSink sink = [&](store::Bytes data) -> store::Result<void> {
    if (hasher.size_bytes() + data.size() > narinfo.info.nar_size_bytes)
      return std::unexpected(store::Error{store::ErrorCode::mismatch, "it is longer than NarSize says"});
    hasher.update(data);
    return reader.feed(data);
  };
  auto decompressor = store::Decompressor::make(narinfo.compression, sink);
  if (!decompressor) refuse(decompressor.error().describe(subject));
  std::vector<std::byte> buffer(size_t{1} << 18);
  while (const size_t size = store::read_some(archive.file.get(), buffer, "a stored archive"))
    check(decompressor->feed(std::span(buffer).first(size)), subject);
  check(decompressor->finish(), subject);
  check(reader.finish(), subject);
  const uint64_t size = hasher.size_bytes();
  if (size != narinfo.info.nar_size_bytes || hasher.finish() != narinfo.info.nar_hash)
    refuse(subject + ": it does not have the NarHash and NarSize that the narinfo claims");
}

} // namespace registry
