// A growing byte string in the binary format's encodings (spec §5.2): LEB128 in the shortest form, little-endian
// words, names with their length.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace runtime::text {

class Bytes {
public:
  void u8(uint8_t value) { data_.push_back(static_cast<std::byte>(value)); }
  void uleb(uint64_t value) {
    while (value >= 0x80) {
      u8(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    u8(static_cast<uint8_t>(value));
  }
  void sleb(int64_t value) {
    while (value < -64 || value > 63) {
      u8(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    u8(static_cast<uint8_t>(value & 0x7f));
  }
  void little_endian(uint64_t value, unsigned size_bytes) {
    for (unsigned i = 0; i < size_bytes; ++i) u8(static_cast<uint8_t>(value >> 8 * i));
  }
  void raw(std::span<const std::byte> bytes) { data_.insert(data_.end(), bytes.begin(), bytes.end()); }
  void raw(std::string_view bytes) { raw(std::as_bytes(std::span(bytes))); }
  void append(const Bytes& other) { raw(other.view()); }
  void name(std::string_view text) {
    uleb(text.size());
    raw(text);
  }
  // A vector's or section's body with its size in front.
  void sized(const Bytes& body) {
    uleb(body.size());
    append(body);
  }

  [[nodiscard]] size_t size() const { return data_.size(); }
  [[nodiscard]] bool empty() const { return data_.empty(); }
  [[nodiscard]] std::span<const std::byte> view() const { return data_; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data_.data()), data_.size()}; }
  void clear() { data_.clear(); }
  void truncate(size_t size) { data_.resize(size); }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(data_); }

private:
  std::vector<std::byte> data_;
};

// A vector whose length is known at its end.
struct CountedBytes {
  uint32_t count = 0;
  Bytes bytes;
};

} // namespace runtime::text
