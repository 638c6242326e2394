// narinfo: what a binary cache says of one store path. «Key: value» lines. (Nix manual, "NarInfo format".)
// Signature fingerprint: 1;STOREPATH;sha256:NIX32;NARSIZE;REF,REF… with full, sorted paths. Deriver, URL and CA are
// not covered by it.
#pragma once
#include "store/format/signature.hpp"
#include "store/format/store_path.hpp"
#include <optional>

namespace store {

// What a store knows of a valid path; the signed part of a narinfo and more.
struct PathInfo {
  StorePath path;
  Hash nar_hash; // SHA-256
  uint64_t nar_size_bytes = 0;
  StorePathSet references{}; // may contain path itself
  std::optional<StorePath> deriver{};
  std::vector<Signature> signatures{};
  std::string content_address{}; // "" or Nix's form: "text:sha256:NIX32", "fixed:r:sha256:NIX32"

  [[nodiscard]] std::string fingerprint(std::string_view store_dir = kStoreDir) const;
  void sign(const SecretKey& key); // adds, or replaces the same key name's signature
  [[nodiscard]] Result<void> verify_signatures(const std::vector<PublicKey>& trusted) const;
  // True when content_address, recomputed from nar_hash and references, gives exactly `path` (needs no signature).
  // Only forms that the NAR hash determines ("fixed:r:sha256") can be checked so; the others are false.
  [[nodiscard]] bool is_self_certifying() const;
};

struct NarInfo {
  PathInfo info;
  std::string url;                  // relative to the cache
  std::string compression = "none"; // "none", "zstd", "xz", …; missing or empty in the text means "bzip2"
  std::optional<Hash> file_hash{};  // of the file at url
  std::optional<uint64_t> file_size_bytes{};

  // Strict: required keys once, duplicates of single-valued keys are errors, unknown keys are ignored.
  [[nodiscard]] static Result<NarInfo> parse(std::string_view text, std::string_view store_dir = kStoreDir);
  [[nodiscard]] std::string to_string(std::string_view store_dir = kStoreDir) const;
};

struct CacheInfo { // nix-cache-info
  std::string store_dir{kStoreDir};
  bool want_mass_query = true;
  int priority = 40; // lower is asked first
  [[nodiscard]] static Result<CacheInfo> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

} // namespace store
