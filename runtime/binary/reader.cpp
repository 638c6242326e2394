// The rare paths of reading: integers of several bytes, names.
#include "runtime/binary/reader.hpp"
#include "store/base/utf8.hpp"

namespace runtime {

template <uint32_t bits, bool is_signed> uint64_t Reader::leb128() {
  constexpr uint32_t kMaxBytes = (bits + 6) / 7, kLastBits = bits - 7 * (kMaxBytes - 1);
  uint64_t value = 0;
  for (uint32_t i = 0; i < kMaxBytes; ++i) {
    if (at_ == end_) {
      fail(end_message_);
      return 0;
    }
    const uint8_t octet = *at_;
    if (i + 1 == kMaxBytes) {
      if ((octet & 0x80) != 0) {
        fail("integer representation too long");
        return 0;
      }
      // Of the last byte only kLastBits count; the others repeat the sign, or are zero.
      const uint32_t unused = is_signed ? (0x7fu << (kLastBits - 1)) & 0x7f : (0x7fu << kLastBits) & 0x7f;
      const uint32_t spare = octet & unused;
      if (spare != 0 && (!is_signed || spare != unused)) {
        fail("integer too large");
        return 0;
      }
    }
    ++at_;
    value |= uint64_t{octet & 0x7fu} << (7 * i);
    if ((octet & 0x80) == 0) {
      if (is_signed && (octet & 0x40) != 0 && 7 * (i + 1) < 64) value |= ~uint64_t{0} << (7 * (i + 1));
      return value;
    }
  }
  return 0; // the last byte either ended the number or failed
}

template uint64_t Reader::leb128<32, false>();
template uint64_t Reader::leb128<64, false>();
template uint64_t Reader::leb128<32, true>();
template uint64_t Reader::leb128<33, true>();
template uint64_t Reader::leb128<64, true>();

std::string_view Reader::name() {
  const uint32_t size = length();
  const std::span<const std::byte> name_bytes = bytes(size);
  if (failed()) return {};
  const std::string_view text{reinterpret_cast<const char*>(name_bytes.data()), name_bytes.size()};
  if (!store::is_utf8(text)) {
    fail("malformed UTF-8 encoding");
    return {};
  }
  return text;
}

} // namespace runtime
