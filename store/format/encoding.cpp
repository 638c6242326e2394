// nix32, base16 and base64. Decoding goes through one 256-entry table per alphabet; 0xff marks a foreign digit.
#include "store/format/encoding.hpp"

namespace store {
namespace {

constexpr uint8_t kForeign = 0xff;
constexpr std::string_view kBase16Alphabet = "0123456789abcdef";
constexpr std::string_view kBase64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using DigitTable = std::array<uint8_t, 256>;

constexpr DigitTable table_of(std::string_view alphabet) {
  DigitTable table{};
  table.fill(kForeign);
  for (size_t i = 0; i < alphabet.size(); ++i) table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return table;
}

constexpr DigitTable kNix32Digits = table_of(kNix32Alphabet);
constexpr DigitTable kBase64Digits = table_of(kBase64Alphabet);
// Capital hexadecimal digits are read too: hashes copied from other tools have them.
constexpr DigitTable kBase16Digits = [] {
  DigitTable table = table_of(kBase16Alphabet);
  for (uint8_t i = 0; i < 6; ++i) table[static_cast<size_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  return table;
}();

uint8_t digit_at(const DigitTable& table, std::string_view text, size_t index) {
  return table[static_cast<uint8_t>(text[index])];
}

// The byte as a reader of the message sees it: itself when printable, else its number.
std::string quoted(char c) {
  if (c >= 0x20 && c < 0x7f) return std::string{'"', c, '"'};
  const auto byte = static_cast<uint8_t>(c);
  return std::string{"byte 0x"} + kBase16Alphabet[byte >> 4] + kBase16Alphabet[byte & 15];
}

std::unexpected<Error> foreign_digit(std::string_view encoding, std::string_view text, size_t index) {
  return std::unexpected(
      Error{ErrorCode::malformed, quoted(text[index]) + " is not a " + std::string{encoding} + " digit", index});
}

std::unexpected<Error> wrong_length(std::string_view encoding, size_t length) {
  return std::unexpected(Error{ErrorCode::malformed,
                               std::to_string(length) + " digits are no possible length of " + std::string{encoding}});
}

std::unexpected<Error> spill(std::string_view encoding, size_t index) {
  return std::unexpected(
      Error{ErrorCode::malformed, "unused bits of the " + std::string{encoding} + " text are not zero", index});
}

} // namespace

std::string encode_nix32(Bytes data) {
  const size_t length = nix32_length(data.size());
  std::string text(length, '0');
  for (size_t n = 0; n < length; ++n) {
    const size_t bit = n * 5, byte = bit / 8, shift = bit % 8;
    unsigned digit = std::to_integer<unsigned>(data[byte]) >> shift;
    if (byte + 1 < data.size()) digit |= std::to_integer<unsigned>(data[byte + 1]) << (8 - shift);
    text[length - 1 - n] = kNix32Alphabet[digit & 31];
  }
  return text;
}

Result<std::vector<std::byte>> decode_nix32(std::string_view text) {
  const size_t size_bytes = text.size() / 8 * 5 + text.size() % 8 * 5 / 8;
  if (nix32_length(size_bytes) != text.size()) return wrong_length("nix32", text.size());
  std::vector<std::byte> data(size_bytes);
  for (size_t n = 0; n < text.size(); ++n) {
    const size_t index = text.size() - 1 - n;
    const unsigned digit = digit_at(kNix32Digits, text, index);
    if (digit == kForeign) return foreign_digit("nix32", text, index);
    const size_t bit = n * 5, byte = bit / 8, shift = bit % 8;
    data[byte] |= static_cast<std::byte>(digit << shift);
    const unsigned carry = digit >> (8 - shift);
    if (byte + 1 < size_bytes)
      data[byte + 1] |= static_cast<std::byte>(carry);
    else if (carry != 0)
      return spill("nix32", index);
  }
  return data;
}

std::string encode_base16(Bytes data) {
  std::string text(data.size() * 2, '0');
  for (size_t i = 0; i < data.size(); ++i) {
    const auto byte = std::to_integer<uint8_t>(data[i]);
    text[2 * i] = kBase16Alphabet[byte >> 4];
    text[2 * i + 1] = kBase16Alphabet[byte & 15];
  }
  return text;
}

Result<std::vector<std::byte>> decode_base16(std::string_view text) {
  if (text.size() % 2 != 0) return wrong_length("base16", text.size());
  std::vector<std::byte> data(text.size() / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned digit = digit_at(kBase16Digits, text, i);
    if (digit == kForeign) return foreign_digit("base16", text, i);
    data[i / 2] |= static_cast<std::byte>(i % 2 == 0 ? digit << 4 : digit);
  }
  return data;
}

std::string encode_base64(Bytes data) {
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    const size_t count = std::min<size_t>(3, data.size() - i);
    unsigned group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? std::to_integer<unsigned>(data[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text.push_back(k <= count ? kBase64Alphabet[group >> (18 - 6 * k) & 63] : '=');
  }
  return text;
}

Result<std::vector<std::byte>> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return wrong_length("padded base64", text.size());
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::vector<std::byte> data;
  data.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    unsigned group = 0;
    for (size_t k = 0; k < digits; ++k) {
      const unsigned digit = digit_at(kBase64Digits, text, i + k);
      if (digit == kForeign) return foreign_digit("base64", text, i + k);
      group |= digit << (18 - 6 * k);
    }
    const size_t count = digits - 1; // 4, 3, 2 digits hold 3, 2, 1 bytes
    if ((group & ((1u << (24 - 8 * count)) - 1)) != 0) return spill("base64", i + digits - 1);
    for (size_t k = 0; k < count; ++k) data.push_back(static_cast<std::byte>(group >> (16 - 8 * k)));
  }
  return data;
}

} // namespace store
