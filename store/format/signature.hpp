// Ed25519 signatures with named keys, in Nix's text forms: keys and signatures are «NAME:BASE64».
// A secret key file holds one line NAME:BASE64(64-byte libsodium secret key); a public key NAME:BASE64(32 bytes).
#pragma once
#include "store/format/hash.hpp"
#include <string>
#include <vector>

namespace store {

// What a new key may be called: letters, digits and «._-+@», 1 to 128 of them. Reading takes any visible ASCII
// characters but «:», «,» and «;».
[[nodiscard]] bool is_key_name(std::string_view name);

struct PublicKey {
  std::string name;
  std::array<std::byte, 32> key{};
  [[nodiscard]] static Result<PublicKey> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

struct Signature {
  std::string key_name;
  std::array<std::byte, 64> bytes{};
  [[nodiscard]] static Result<Signature> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Signature&, const Signature&) = default;
};

// Wipes itself on destruction.
class SecretKey {
public:
  [[nodiscard]] static Result<SecretKey> parse(std::string_view text);
  [[nodiscard]] static SecretKey generate(std::string_view name); // host only: uses the OS's randomness
  [[nodiscard]] std::string to_string() const;                    // not wiped: its owner does that
  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] Signature sign(Bytes message) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  SecretKey(SecretKey&&) noexcept = default;
  SecretKey& operator=(SecretKey&&) noexcept = default;
  SecretKey(const SecretKey&) = delete;
  ~SecretKey();

private:
  SecretKey() = default;
  std::string name_;
  std::array<std::byte, 64> key_{};
};

[[nodiscard]] bool verify(Bytes message, const Signature& signature, const PublicKey& key);

// Any one signature by any trusted key (several keys may share a name) will do. The error (code `signature`) says
// which key names signed and which are trusted.
[[nodiscard]] Result<void> verify_any(Bytes message, const std::vector<Signature>& signatures,
                                      const std::vector<PublicKey>& trusted);

} // namespace store
