// A Nix binary cache at a URL (http, https, file), seen from the client: what it has, fetching, uploading. Nothing that
// it says is believed here; copy.hpp holds the policy.
#pragma once
#include "store/format/narinfo.hpp"
#include "store/remote/http_client.hpp"
#include "store/remote/url.hpp"

namespace store {

class BinaryCache {
public:
  // Asks for nix-cache-info at once: an address that is no cache, or one for another store directory, is an error.
  explicit BinaryCache(std::string url, Secret token = {});
  [[nodiscard]] std::string url() const { return shown_url(url_); } // for messages
  void cancel_by(const std::atomic<bool>& flag) { client_.cancel_by(flag); }
  [[nodiscard]] const CacheInfo& info() const { return info_; }

  [[nodiscard]] bool has(const StorePath& path);
  // What the cache says of `path`, parsed and for that path; unverified.
  [[nodiscard]] std::optional<NarInfo> query(const StorePath& path);
  // Streams the decompressed NAR, from within this cache, and no more than narinfo says of its sizes
  // ("none", "zstd" and "xz"; others are a clear error).
  void fetch_nar(const NarInfo& narinfo, const ByteSink& sink);
  // Uploads archive, then narinfo. `fd` holds the file that narinfo.url, file_hash and file_size_bytes describe.
  void upload(const NarInfo& narinfo, int fd);

private:
  std::string url_; // without a final slash
  HttpClient client_;
  CacheInfo info_;
};

} // namespace store
