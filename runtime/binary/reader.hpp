// A cursor over the bytes of a module (spec §5.2: bytes, LEB128 integers, names).
//
// The first failure sticks: it is kept with its offset, the cursor jumps to the end, and this and all later reads give
// zero. So a caller reads the parts of an instruction and asks failed() once, which keeps the function validator's loop
// free of error paths. A reader never reads outside its span, whatever it is given.
#pragma once
#include "runtime/types/error.hpp"
#include <cstddef>
#include <span>
#include <string_view>

namespace runtime {

class Reader {
public:
  // base: the offset in the module of the first byte; end_message: what reading beyond the span is called there.
  Reader(std::span<const std::byte> bytes, uint64_t base, const char* end_message)
      : begin_(reinterpret_cast<const uint8_t*>(bytes.data())), at_(begin_), end_(begin_ + bytes.size()), base_(base),
        end_message_(end_message) {}

  [[nodiscard]] uint64_t offset() const { return base_ + static_cast<uint64_t>(at_ - begin_); } // in the module
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] bool failed() const { return message_ != nullptr; }
  [[nodiscard]] Error error() const { return {.kind = kind_, .message = message_, .offset = error_offset_}; }

  // message: a literal.
  [[gnu::cold, gnu::noinline]] void fail(const char* message, ErrorKind kind = ErrorKind::malformed) {
    if (message_ == nullptr) {
      message_ = message;
      kind_ = kind;
      error_offset_ = offset();
    }
    at_ = end_;
  }

  // For a loop that keeps the place in a register: where the cursor stands, and to where it is moved within the span.
  [[nodiscard]] const uint8_t* place() const { return at_; }
  void go_to(const uint8_t* place) { at_ = place; }

  [[nodiscard]] uint8_t peek() { // zero at the end, which is then no failure
    return at_ < end_ ? *at_ : 0;
  }
  uint8_t byte() {
    if (at_ < end_) [[likely]]
      return *at_++;
    fail(end_message_);
    return 0;
  }
  uint32_t u32() {
    if (at_ < end_ && *at_ < 0x80) [[likely]]
      return *at_++;
    return static_cast<uint32_t>(leb128<32, false>());
  }
  uint64_t u64() {
    if (at_ < end_ && *at_ < 0x80) [[likely]]
      return *at_++;
    return leb128<64, false>();
  }
  int32_t s32() {
    if (at_ < end_ && *at_ < 0x80) [[likely]]
      return sign_extended_byte();
    return static_cast<int32_t>(leb128<32, true>());
  }
  int64_t s64() {
    if (at_ < end_ && *at_ < 0x80) [[likely]]
      return sign_extended_byte();
    return static_cast<int64_t>(leb128<64, true>());
  }
  int64_t s33() {
    if (at_ < end_ && *at_ < 0x80) [[likely]]
      return sign_extended_byte();
    return static_cast<int64_t>(leb128<33, true>());
  }
  uint64_t fixed(uint32_t size_bytes) { // little-endian, at most 8 bytes
    if (remaining() < size_bytes) {
      fail(end_message_);
      return 0;
    }
    uint64_t bits = 0;
    for (uint32_t i = 0; i < size_bytes; ++i) bits |= uint64_t{*at_++} << (8 * i);
    return bits;
  }
  std::span<const std::byte> bytes(uint64_t size) {
    if (remaining() < size) {
      fail(end_message_);
      return {};
    }
    const std::span<const std::byte> view(reinterpret_cast<const std::byte*>(at_), static_cast<size_t>(size));
    at_ += size;
    return view;
  }
  // A count of things of at least one byte each, or of bytes.
  uint32_t length() {
    const uint32_t count = u32();
    if (count > remaining()) {
      fail("length out of bounds");
      return 0;
    }
    return count;
  }
  std::string_view name(); // length and valid UTF-8

private:
  int8_t sign_extended_byte() {
    const auto shifted = static_cast<uint8_t>(*at_++ << 1);
    return static_cast<int8_t>(static_cast<int8_t>(shifted) >> 1);
  }
  // The general case; signed results are sign-extended to 64 bits.
  template <uint32_t bits, bool is_signed> [[gnu::noinline]] uint64_t leb128();

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  uint64_t base_;
  const char* end_message_;
  const char* message_ = nullptr;
  uint64_t error_offset_ = 0;
  ErrorKind kind_ = ErrorKind::malformed;
};

} // namespace runtime
