#include "store/remote/binary_cache.hpp"
#include "store/remote/compression.hpp"
#include <algorithm>

namespace store {

namespace {

constexpr size_t kMaxNarinfoBytes = size_t{1} << 20;

// No compression makes more of anything than this; FileSize may say less.
uint64_t max_file_bytes(const NarInfo& narinfo) {
  constexpr uint64_t kSmall = uint64_t{1} << 20;
  const uint64_t most = narinfo.info.nar_size_bytes + narinfo.info.nar_size_bytes / 64 + kSmall;
  return std::min(narinfo.file_size_bytes.value_or(most), most);
}

std::string without_final_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (url.find("://") == std::string::npos)
    throw UserError("\"" + url + "\" is no URL", "write http://HOST:PORT, https://HOST or file:///FOLDER");
  return url;
}

} // namespace

BinaryCache::BinaryCache(std::string url, Secret token)
    : url_(without_final_slash(std::move(url))), client_(std::move(token)) {
  const auto text = client_.get(url_ + "/nix-cache-info", kMaxNarinfoBytes);
  if (!text) throw UserError(shown_url(url_) + " is no binary cache: it has no nix-cache-info");
  info_ = unwrap(CacheInfo::parse(*text), shown_url(url_) + "/nix-cache-info");
  if (info_.store_dir != kStoreDir)
    throw UserError(shown_url(url_) + " serves the store directory " + info_.store_dir + ", not " +
                    std::string(kStoreDir));
}

bool BinaryCache::has(const StorePath& path) {
  return client_.exists(url_ + "/" + std::string(path.digest()) + ".narinfo");
}

std::optional<NarInfo> BinaryCache::query(const StorePath& path) {
  const std::string url = url_ + "/" + std::string(path.digest()) + ".narinfo";
  const auto text = client_.get(url, kMaxNarinfoBytes);
  if (!text) return {};
  auto narinfo = NarInfo::parse(*text);
  // What cannot be read cannot be verified: the same as a record that nobody trusted signed.
  if (!narinfo) throw UserError(UserErrorCode::refused, narinfo.error().describe(shown_url(url)));
  if (narinfo->info.path != path)
    throw UserError(UserErrorCode::refused, shown_url(url) + " speaks of " + narinfo->info.path.base_name() +
                                                " instead of " + path.base_name());
  return std::move(*narinfo);
}

void BinaryCache::fetch_nar(const NarInfo& narinfo, const ByteSink& sink) {
  const std::string url = unwrap(resolve_within_cache(url_, narinfo.url), narinfo.info.path.base_name());
  auto decompressor = Decompressor::make(narinfo.compression, sink);
  if (!decompressor) throw UserError(decompressor.error().describe(url), "the cache must offer zstd, xz or none");
  // What is signed is the NAR: a stream that does not even decompress is not it.
  const auto refused_if_broken = [](Result<void> result) {
    if (!result && result.error().code == ErrorCode::malformed) result.error().code = ErrorCode::mismatch;
    return result;
  };
  client_.get(url, [&](Bytes data) { return refused_if_broken(decompressor->feed(data)); }, max_file_bytes(narinfo));
  unwrap(refused_if_broken(decompressor->finish()), url);
}

void BinaryCache::upload(const NarInfo& narinfo, int fd) {
  client_.put_file(url_ + "/" + narinfo.url, fd, *narinfo.file_size_bytes);
  client_.put(url_ + "/" + std::string(narinfo.info.path.digest()) + ".narinfo", narinfo.to_string(),
              "text/x-nix-narinfo");
}

} // namespace store
