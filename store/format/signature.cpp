// Ed25519 through libsodium. Key and signature texts are «NAME:BASE64» with the name up to the first colon.
#include "store/format/signature.hpp"
#include "store/format/encoding.hpp"
#include <algorithm>
#include <cstdlib>
#include <sodium.h>

namespace store {
namespace {

static_assert(crypto_sign_PUBLICKEYBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_BYTES == 64);

template <size_t N> unsigned char* raw(std::array<std::byte, N>& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* raw(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::unexpected<Error> malformed(std::string message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{ErrorCode::malformed, std::move(message), offset});
}

bool is_name_char(char c) { return c > 0x20 && c < 0x7f && c != ':' && c != ',' && c != ';'; }

struct Named {
  std::string name;
  std::vector<std::byte> bytes;
};

Result<Named> parse_named(std::string_view text, size_t size_bytes, std::string_view what) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return malformed("a " + std::string{what} + " has the form NAME:BASE64", 0);
  const std::string_view name = text.substr(0, colon);
  const auto bad = std::ranges::find_if_not(name, is_name_char);
  if (bad != name.end())
    return malformed("a key's name is made of visible ASCII characters without commas and semicolons",
                     static_cast<uint64_t>(bad - name.begin()));
  auto bytes = decode_base64(text.substr(colon + 1));
  if (!bytes) {
    if (bytes.error().offset != kNoOffset) bytes.error().offset += colon + 1;
    return std::unexpected(std::move(bytes).error());
  }
  if (bytes->size() != size_bytes) {
    return malformed("a " + std::string{what} + " has " + std::to_string(size_bytes) + " bytes, not " +
                         std::to_string(bytes->size()),
                     colon + 1);
  }
  return Named{std::string{name}, std::move(*bytes)};
}

std::string joined(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "\"" : ", \"").append(name).append("\"");
  return text;
}

} // namespace

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"._-+@"}.contains(c);
  });
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
  Named named = TRY(parse_named(text, 32, "public key"));
  PublicKey key{.name = std::move(named.name)};
  std::ranges::copy(named.bytes, key.key.begin());
  return key;
}

std::string PublicKey::to_string() const { return name + ":" + encode_base64(key); }

Result<Signature> Signature::parse(std::string_view text) {
  Named named = TRY(parse_named(text, 64, "signature"));
  Signature signature{.key_name = std::move(named.name)};
  std::ranges::copy(named.bytes, signature.bytes.begin());
  return signature;
}

std::string Signature::to_string() const { return key_name + ":" + encode_base64(bytes); }

Result<SecretKey> SecretKey::parse(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  Named named = TRY(parse_named(text, 64, "secret key"));
  SecretKey key;
  key.name_ = std::move(named.name);
  std::ranges::copy(named.bytes, key.key_.begin());
  sodium_memzero(named.bytes.data(), named.bytes.size());
  // A secret key carries its public half. Signing with a foreign one would give the secret away.
  std::array<std::byte, 32> public_half{};
  std::array<std::byte, 64> derived{};
  crypto_sign_seed_keypair(raw(public_half), raw(derived), raw(Bytes{key.key_}));
  const bool consistent = sodium_memcmp(derived.data(), key.key_.data(), derived.size()) == 0;
  sodium_memzero(derived.data(), derived.size());
  if (!consistent) return malformed("the public half of the secret key \"" + key.name_ + "\" does not belong to it");
  return key;
}

SecretKey SecretKey::generate(std::string_view name) {
  SecretKey key;
#ifdef KPKG_KERNEL
  (void)name;
  std::abort(); // host only: the kernel never makes keys
#else
  if (sodium_init() < 0) std::abort();
  key.name_ = name;
  std::array<std::byte, 32> public_half{};
  crypto_sign_keypair(raw(public_half), raw(key.key_));
#endif
  return key;
}

SecretKey::~SecretKey() { sodium_memzero(key_.data(), key_.size()); }

std::string SecretKey::to_string() const { return name_ + ":" + encode_base64(key_); }

PublicKey SecretKey::public_key() const {
  PublicKey key{.name = name_};
  std::copy(key_.begin() + 32, key_.end(), key.key.begin());
  return key;
}

Signature SecretKey::sign(Bytes message) const {
  Signature signature{.key_name = name_};
  crypto_sign_detached(raw(signature.bytes), nullptr, raw(message), message.size(), raw(Bytes{key_}));
  return signature;
}

bool verify(Bytes message, const Signature& signature, const PublicKey& key) {
  return signature.key_name == key.name && crypto_sign_verify_detached(raw(Bytes{signature.bytes}), raw(message),
                                                                       message.size(), raw(Bytes{key.key})) == 0;
}

Result<void> verify_any(Bytes message, const std::vector<Signature>& signatures,
                        const std::vector<PublicKey>& trusted) {
  std::vector<std::string> signers, keys, wrong;
  for (const PublicKey& key : trusted) keys.push_back(key.name);
  for (const Signature& signature : signatures) {
    signers.push_back(signature.key_name);
    for (const PublicKey& key : trusted) {
      if (key.name != signature.key_name) continue;
      if (verify(message, signature, key)) return {};
      wrong.push_back(key.name);
    }
  }
  std::string text;
  if (signatures.empty())
    text = "it has no signature";
  else if (!wrong.empty())
    text = "the signature by " + joined(wrong) + " does not match the content";
  else
    text = "it is signed by " + joined(signers) + " only";
  text += keys.empty() ? "; no key is trusted" : "; trusted keys: " + joined(keys);
  return std::unexpected(Error{ErrorCode::signature, std::move(text)});
}

} // namespace store
