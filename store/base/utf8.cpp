#include "store/base/utf8.hpp"
#include <cstring>

namespace store {

size_t utf8_sequence_length(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  if ((lead == 0xe0 && at(1) < 0xa0) || (lead == 0xed && at(1) > 0x9f) || (lead == 0xf0 && at(1) < 0x90) ||
      (lead == 0xf4 && at(1) > 0x8f))
    return 0;
  return length;
}

uint32_t decode_utf8(std::string_view sequence) {
  uint32_t scalar = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() > 1) scalar &= 0x7fu >> sequence.size();
  for (const char c : sequence.substr(1)) scalar = scalar << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return scalar;
}

bool is_utf8(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080'8080'8080'8080;
  while (!text.empty()) {
    if (uint64_t eight = 0; text.size() >= sizeof eight) { // most text is ASCII
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & kHighBits) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_utf8(std::string& out, uint32_t scalar) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (scalar < 0x80) return add(scalar);
  if (scalar < 0x800) {
    add(0xc0 | scalar >> 6);
  } else {
    if (scalar < 0x10000) {
      add(0xe0 | scalar >> 12);
    } else {
      add(0xf0 | scalar >> 18);
      add(0x80 | (scalar >> 12 & 0x3f));
    }
    add(0x80 | (scalar >> 6 & 0x3f));
  }
  add(0x80 | (scalar & 0x3f));
}

} // namespace store
