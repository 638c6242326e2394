// Text encodings of bytes: nix32, base16, base64 (RFC 4648 §4, padded). All decoders are strict: wrong length, foreign
// digits and non-zero spill bits are errors that name the offset.
#pragma once
#include "store/format/hash.hpp"
#include <string>
#include <vector>

namespace store {

inline constexpr std::string_view kNix32Alphabet = "0123456789abcdfghijklmnpqrsvwxyz";

// nix32: the bytes as one little-endian integer, 5-bit digits, most significant first; ceil(8n/5) digits.
[[nodiscard]] std::string encode_nix32(Bytes data);
[[nodiscard]] Result<std::vector<std::byte>> decode_nix32(std::string_view text);
[[nodiscard]] constexpr size_t nix32_length(size_t size_bytes) { return (size_bytes * 8 + 4) / 5; }

[[nodiscard]] std::string encode_base16(Bytes data); // lower case
[[nodiscard]] Result<std::vector<std::byte>> decode_base16(std::string_view text);

[[nodiscard]] std::string encode_base64(Bytes data);
[[nodiscard]] Result<std::vector<std::byte>> decode_base64(std::string_view text);

} // namespace store
