// The Nix binary cache protocol (Nix manual, "HTTP Binary Cache Store"), read and authenticated write:
//
//   GET  /nix-cache-info
//   GET, PUT /DIGEST.narinfo          checked strictly; its archive must have been uploaded before
//   GET, PUT /nar/FILE                FILE: [0-9a-z.]+; hashed while it arrives
//   GET, PUT /DIGEST.ls, /log/NAME    listings and logs, kept as they come (1 MiB at most)
//
// A narinfo is accepted only when FileHash and FileSize fit the stored file and, for archives stored uncompressed or
// with zstd, when the NAR is well formed and has the NarHash and NarSize that it claims. Other compressions are kept as
// opaque files whose FileHash fits: clients check the NAR on arrival. With `trusted` keys, also a signature is
// required.
#pragma once
#include "registry-server/access.hpp"
#include "registry-server/repository.hpp"

namespace registry {

struct NixCacheOptions {
  store::CacheInfo info;
  std::vector<store::PublicKey> trusted; // empty: signatures are the clients' matter
  uint64_t max_nar_file_bytes = uint64_t{8} << 30;
};

class NixCache final : public Protocol {
public:
  NixCache(Repository& repository, const Access& access, NixCacheOptions options);
  [[nodiscard]] bool handles(const Request& request) const override;
  [[nodiscard]] Response get(const Request& request) override;
  [[nodiscard]] std::unique_ptr<Upload> upload(const Request& request) override;

private:
  Repository& repository_;
  const Access& access_;
  NixCacheOptions options_;
};

} // namespace registry
