// Hash values and their text forms. The digits' encoding is told by their number, which differs for every algorithm.
#include "store/format/hash.hpp"
#include "store/format/encoding.hpp"
#include <algorithm>

namespace store {
namespace {

constexpr size_t base64_length(size_t size_bytes) { return (size_bytes + 2) / 3 * 4; }

Error shifted(Error error, size_t by) {
  if (error.offset != kNoOffset) error.offset += by;
  return error;
}

Result<Hash> from_bytes(Result<std::vector<std::byte>> bytes, HashAlgorithm algorithm, size_t digits_at) {
  if (!bytes) return std::unexpected(shifted(std::move(bytes).error(), digits_at));
  Hash hash{.algorithm = algorithm};
  if (bytes->size() != hash_size_bytes(algorithm)) {
    return std::unexpected(Error{ErrorCode::malformed,
                                 "a " + std::string{to_string(algorithm)} + " hash has " +
                                     std::to_string(hash_size_bytes(algorithm)) + " bytes, not " +
                                     std::to_string(bytes->size()),
                                 digits_at});
  }
  std::ranges::copy(*bytes, hash.storage.begin());
  return hash;
}

Result<Hash> parse_digits(std::string_view digits, HashAlgorithm algorithm, size_t digits_at) {
  const size_t size = hash_size_bytes(algorithm);
  if (digits.size() == 2 * size) return from_bytes(decode_base16(digits), algorithm, digits_at);
  if (digits.size() == nix32_length(size)) return from_bytes(decode_nix32(digits), algorithm, digits_at);
  if (digits.size() == base64_length(size)) return from_bytes(decode_base64(digits), algorithm, digits_at);
  const std::string name{to_string(algorithm)};
  return std::unexpected(Error{
      ErrorCode::malformed,
      "a " + name + " hash has " + std::to_string(2 * size) + " base16, " + std::to_string(nix32_length(size)) +
          " nix32 or " + std::to_string(base64_length(size)) + " base64 digits, not " + std::to_string(digits.size()),
      digits_at});
}

// ALGO:DIGITS or ALGO-BASE64. The separator's place is given.
Result<Hash> parse_prefixed(std::string_view text, size_t separator) {
  const HashAlgorithm algorithm = TRY(parse_hash_algorithm(text.substr(0, separator)));
  const std::string_view digits = text.substr(separator + 1);
  if (text[separator] == '-') return from_bytes(decode_base64(digits), algorithm, separator + 1);
  return parse_digits(digits, algorithm, separator + 1);
}

} // namespace

std::string_view to_string(HashAlgorithm algorithm) {
  switch (algorithm) {
  case HashAlgorithm::md5: return "md5";
  case HashAlgorithm::sha1: return "sha1";
  case HashAlgorithm::sha256: return "sha256";
  case HashAlgorithm::sha512: return "sha512";
  }
  return "";
}

Result<HashAlgorithm> parse_hash_algorithm(std::string_view text) {
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::sha1, HashAlgorithm::md5}) {
    if (text != to_string(algorithm)) continue;
    if (!is_supported(algorithm))
      return std::unexpected(Error{ErrorCode::unsupported, "the kernel has no " + std::string{text}});
    return algorithm;
  }
  return std::unexpected(Error{
      ErrorCode::malformed,
      "unknown hash algorithm \"" + std::string{text.substr(0, 32)} + "\" (known: sha256, sha512, sha1, md5)", 0});
}

std::string Hash::base16() const { return encode_base16(bytes()); }
std::string Hash::nix32() const { return encode_nix32(bytes()); }
std::string Hash::sri() const { return std::string{store::to_string(algorithm)} + "-" + encode_base64(bytes()); }
std::string Hash::to_string() const { return std::string{store::to_string(algorithm)} + ":" + nix32(); }

Result<Hash> Hash::parse(std::string_view text) {
  const size_t separator = text.find_first_of(":-");
  if (separator == std::string_view::npos)
    return std::unexpected(
        Error{ErrorCode::malformed, "a hash needs its algorithm in front: \"sha256:…\" or \"sha256-…\"", 0});
  return parse_prefixed(text, separator);
}

Result<Hash> Hash::parse(std::string_view text, HashAlgorithm algorithm) {
  const size_t separator = text.find_first_of(":-");
  if (separator == std::string_view::npos) return parse_digits(text, algorithm, 0);
  Hash hash = TRY(parse_prefixed(text, separator));
  if (hash.algorithm != algorithm) {
    return std::unexpected(Error{ErrorCode::invalid,
                                 "expected a " + std::string{store::to_string(algorithm)} + " hash but found a " +
                                     std::string{store::to_string(hash.algorithm)} + " one",
                                 0});
  }
  return hash;
}

std::array<std::byte, 20> fold_hash_20(const Hash& hash) {
  std::array<std::byte, 20> folded{};
  const Bytes bytes = hash.bytes();
  for (size_t i = 0; i < bytes.size(); ++i) folded[i % folded.size()] ^= bytes[i];
  return folded;
}

} // namespace store
