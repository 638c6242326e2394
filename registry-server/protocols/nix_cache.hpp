// The Nix binary cache protocol (Nix manual, "HTTP Binary Cache Store"), read and authenticated write:
//
//   GET  /nix-cache-info
//   GET, PUT /DIGEST.narinfo          checked strictly; its archive must have been uploaded before
//   GET, PUT /nar/FILE                FILE: [0-9a-z.]+; hashed while it arrives
//   GET, PUT /DIGEST.ls, /log/NAME    listings and logs, kept as they come (1 MiB at most)
//
// A narinfo is accepted only when FileHash and FileSize fit the stored file and, for archives stored uncompressed,
// with zstd or with xz, when the NAR is well formed and has the NarHash and NarSize that it claims. Other compressions
// are kept as opaque files whose FileHash fits: clients check the NAR on arrival. With `trusted` keys, also a signature
// is required. A derivation is taken only when the outputs that it states follow from it (derivation_check.hpp).
#pragma once
#include "registry-server/http/access.hpp"
#include "registry-server/http/router.hpp"
#include "registry-server/protocols/derivation_check.hpp"
#include "registry-server/storage/catalog.hpp"
#include "store/format/narinfo.hpp"

namespace registry {

struct NixCacheOptions {
  store::CacheInfo info;
  std::vector<store::PublicKey> trusted; // empty: signatures are the clients' matter
  uint64_t max_nar_file_bytes = uint64_t{8} << 30;
};

class NixCache {
public:
  // All three must outlive the router that the routes were added to, as must the cache itself.
  NixCache(Catalog& catalog, Blobs& blobs, const Access& access, NixCacheOptions options);
  void add_routes(Router& router);

private:
  Response get_narinfo(std::string_view digest);
  Response get_archive(std::string_view name);
  Response get_text(const std::string& url);
  std::unique_ptr<Upload> put_narinfo(std::string_view digest);
  std::unique_ptr<Upload> put_archive(std::string_view name);
  std::unique_ptr<Upload> put_text(const std::string& url);

  Catalog& catalog_;
  Blobs& blobs_;
  const Access& access_;
  NixCacheOptions options_;
  DerivationCheck derivations_;
};

} // namespace registry
