// The hash functions themselves. OpenSSL's EVP on the host, because it uses the processor's SHA instructions; libsodium
// in the kernel, where OpenSSL does not run. Neither can fail but for lack of memory, which ends the program.
#include "store/format/hash.hpp"
#include <algorithm>
#include <cstdlib>
#ifdef KPKG_KERNEL
#include <sodium.h>
#include <variant>
#else
#include <openssl/evp.h>
#endif

namespace store {

#ifdef KPKG_KERNEL

struct Hasher::State {
  std::variant<crypto_hash_sha256_state, crypto_hash_sha512_state> digest;
};

Hasher::Hasher(HashAlgorithm algorithm) : state_(std::make_unique<State>()), algorithm_(algorithm) {
  switch (algorithm) {
  case HashAlgorithm::sha256: crypto_hash_sha256_init(&state_->digest.emplace<crypto_hash_sha256_state>()); return;
  case HashAlgorithm::sha512: crypto_hash_sha512_init(&state_->digest.emplace<crypto_hash_sha512_state>()); return;
  case HashAlgorithm::md5:
  case HashAlgorithm::sha1: break; // parse_hash_algorithm refuses them, so that no input leads here
  }
  std::abort();
}

void Hasher::update(Bytes data) {
  size_bytes_ += data.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  if (auto* sha256 = std::get_if<crypto_hash_sha256_state>(&state_->digest))
    crypto_hash_sha256_update(sha256, bytes, data.size());
  else if (auto* sha512 = std::get_if<crypto_hash_sha512_state>(&state_->digest))
    crypto_hash_sha512_update(sha512, bytes, data.size());
}

Hash Hasher::finish() {
  Hash hash{.algorithm = algorithm_};
  auto* out = reinterpret_cast<unsigned char*>(hash.storage.data());
  if (auto* sha256 = std::get_if<crypto_hash_sha256_state>(&state_->digest))
    crypto_hash_sha256_final(sha256, out);
  else if (auto* sha512 = std::get_if<crypto_hash_sha512_state>(&state_->digest))
    crypto_hash_sha512_final(sha512, out);
  return hash;
}

Hash hash_bytes(Bytes data, HashAlgorithm algorithm) {
  Hasher hasher{algorithm};
  hasher.update(data);
  return hasher.finish();
}

#else

namespace {

void require(bool succeeded) {
  if (!succeeded) std::abort();
}

// Fetched once: OpenSSL 3 looks an algorithm up by name on every use of EVP_sha256(), which costs more than hashing a
// short text.
const EVP_MD* fetched(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, 4> digests = [] {
    std::array<EVP_MD*, 4> all{};
    for (const HashAlgorithm each :
         {HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha512})
      all[static_cast<size_t>(each)] = EVP_MD_fetch(nullptr, std::string{to_string(each)}.c_str(), nullptr);
    return all;
  }();
  const EVP_MD* digest = digests[static_cast<size_t>(algorithm)];
  require(digest != nullptr);
  return digest;
}

} // namespace

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(HashAlgorithm algorithm) : state_(std::make_unique<State>()), algorithm_(algorithm) {
  require(state_->context != nullptr && EVP_DigestInit_ex2(state_->context, fetched(algorithm), nullptr) == 1);
}

void Hasher::update(Bytes data) {
  size_bytes_ += data.size();
  require(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1);
}

Hash Hasher::finish() {
  Hash hash{.algorithm = algorithm_};
  require(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(hash.storage.data()), nullptr) == 1);
  return hash;
}

Hash hash_bytes(Bytes data, HashAlgorithm algorithm) {
  Hash hash{.algorithm = algorithm};
  require(EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(hash.storage.data()), nullptr,
                     fetched(algorithm), nullptr) == 1);
  return hash;
}

#endif

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

} // namespace store
