#include "store/remote/binary_cache.hpp"
#include <zstd.h>

namespace store {

namespace {

constexpr size_t kMaxNarinfoBytes = size_t{1} << 20;

std::string without_final_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (url.find("://") == std::string::npos)
    throw StoreError("\"" + url + "\" is no URL", "write http://HOST:PORT, https://HOST or file:///FOLDER");
  return url;
}

} // namespace

BinaryCache::BinaryCache(std::string url, std::string token)
    : url_(without_final_slash(std::move(url))), client_(std::move(token)) {
  const auto text = client_.get(url_ + "/nix-cache-info", kMaxNarinfoBytes);
  if (!text) throw StoreError(url_ + " is no binary cache: it has no nix-cache-info");
  info_ = unwrap(CacheInfo::parse(*text), url_ + "/nix-cache-info");
  if (info_.store_dir != kStoreDir)
    throw StoreError(url_ + " serves the store directory " + info_.store_dir + ", not " + std::string(kStoreDir));
}

bool BinaryCache::has(const StorePath& path) {
  return client_.exists(url_ + "/" + std::string(path.digest()) + ".narinfo");
}

std::optional<NarInfo> BinaryCache::query(const StorePath& path) {
  const std::string url = url_ + "/" + std::string(path.digest()) + ".narinfo";
  const auto text = client_.get(url, kMaxNarinfoBytes);
  if (!text) return {};
  NarInfo narinfo = unwrap(NarInfo::parse(*text), url);
  if (narinfo.info.path != path)
    throw StoreError(url + " speaks of " + narinfo.info.path.base_name() + " instead of " + path.base_name());
  return narinfo;
}

void BinaryCache::fetch_nar(const NarInfo& narinfo, const ByteSink& sink) {
  const std::string url = narinfo.url.find("://") == std::string::npos ? url_ + "/" + narinfo.url : narinfo.url;
  if (narinfo.compression == "none") return client_.get(url, sink);
  if (narinfo.compression != "zstd")
    throw StoreError(url + ": compression \"" + narinfo.compression + "\" is not supported",
                     "the cache must offer zstd or none");
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  std::vector<std::byte> out(ZSTD_DStreamOutSize());
  size_t pending = 0;
  client_.get(url, [&](Bytes data) -> Result<void> {
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (input.pos < input.size) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      pending = ZSTD_decompressStream(stream.get(), &output, &input);
      if (ZSTD_isError(pending))
        return std::unexpected(
            Error{.code = ErrorCode::malformed, .message = std::string("zstd: ") + ZSTD_getErrorName(pending)});
      TRY_VOID(sink(Bytes(out).first(output.pos)));
    }
    return {};
  });
  if (pending != 0) throw StoreError(url + ": the zstd stream is truncated");
}

void BinaryCache::upload(const NarInfo& narinfo, int fd) {
  client_.put_file(url_ + "/" + narinfo.url, fd, *narinfo.file_size_bytes);
  client_.put(url_ + "/" + std::string(narinfo.info.path.digest()) + ".narinfo", narinfo.to_string(),
              "text/x-nix-narinfo");
}

} // namespace store
