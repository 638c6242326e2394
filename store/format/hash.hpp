// Content hashes: SHA-256 everywhere (streaming), SHA-1/SHA-512/MD5 only where a fixed-output derivation names them.
// OpenSSL's EVP on the host; in the kernel (KPKG_KERNEL defined) libsodium and SHA-256/512 only.
// Text forms (as in Nix): base16, nix32, base64, and SRI «sha256-BASE64».
#pragma once
#include "store/base/error.hpp"
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace store {

enum class HashAlgorithm : uint8_t { md5, sha1, sha256, sha512 };
[[nodiscard]] constexpr size_t hash_size_bytes(HashAlgorithm algorithm) {
  switch (algorithm) {
  case HashAlgorithm::md5: return 16;
  case HashAlgorithm::sha1: return 20;
  case HashAlgorithm::sha256: return 32;
  case HashAlgorithm::sha512: return 64;
  }
  return 0;
}
// Whether this build can compute it: everything on the host, SHA-256 and SHA-512 in the kernel. parse_hash_algorithm
// refuses the others (`unsupported`), so that no Hash of theirs comes from outside.
[[nodiscard]] constexpr bool is_supported([[maybe_unused]] HashAlgorithm algorithm) {
#ifdef KPKG_KERNEL
  return algorithm == HashAlgorithm::sha256 || algorithm == HashAlgorithm::sha512;
#else
  return true;
#endif
}
[[nodiscard]] std::string_view to_string(HashAlgorithm algorithm); // "sha256"
[[nodiscard]] Result<HashAlgorithm> parse_hash_algorithm(std::string_view text);

struct Hash {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  std::array<std::byte, 64> storage{}; // the first hash_size_bytes(algorithm) count, the rest are zero
  [[nodiscard]] Bytes bytes() const { return Bytes{storage}.first(hash_size_bytes(algorithm)); }
  friend auto operator<=>(const Hash&, const Hash&) = default;

  [[nodiscard]] std::string base16() const;    // digits only
  [[nodiscard]] std::string nix32() const;     // digits only
  [[nodiscard]] std::string sri() const;       // "sha256-…="
  [[nodiscard]] std::string to_string() const; // "sha256:NIX32", the form of narinfo
  // Any of: ALGO:BASE16, ALGO:NIX32, ALGO:BASE64, SRI; and the bare digits when `algorithm` is given (a prefix that
  // contradicts it is an error).
  [[nodiscard]] static Result<Hash> parse(std::string_view text);
  [[nodiscard]] static Result<Hash> parse(std::string_view text, HashAlgorithm algorithm);
};

// Hashes a stream. Single-threaded; may be reset by assignment from a fresh one.
class Hasher {
public:
  explicit Hasher(HashAlgorithm algorithm = HashAlgorithm::sha256);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();
  void update(Bytes data);
  void update(std::string_view data) { update(as_bytes(data)); }
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] Hash finish(); // once
private:
  struct State;
  std::unique_ptr<State> state_;
  HashAlgorithm algorithm_;
  uint64_t size_bytes_ = 0;
};

[[nodiscard]] Hash hash_bytes(Bytes data, HashAlgorithm algorithm = HashAlgorithm::sha256);
[[nodiscard]] inline Hash hash_text(std::string_view text, HashAlgorithm algorithm = HashAlgorithm::sha256) {
  return hash_bytes(as_bytes(text), algorithm);
}

// XOR-fold to `size` bytes, as in store path digests: byte i of the input goes to byte i % size.
[[nodiscard]] std::array<std::byte, 20> fold_hash_20(const Hash& hash);

} // namespace store
