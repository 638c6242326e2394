// A line of text in a fixed buffer, for places where nothing may be allocated (panics, early start-up).
#pragma once
#include "kernel/drivers/serial.hpp"
#include <cstdint>
#include <string_view>

namespace kernel {

class Line {
public:
  Line& text(std::string_view s) {
    for (const char c : s)
      if (size_ < sizeof buffer_) buffer_[size_++] = c;
    return *this;
  }
  Line& decimal(uint64_t value) {
    char digits[20];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) text({&digits[--count], 1});
    return *this;
  }
  Line& hex(uint64_t value) {
    int digits = 1;
    while (digits < 16 && value >> digits * 4 != 0) ++digits;
    return text("0x").digits(value, digits);
  }
  Line& hex16(uint64_t value) { return digits(value, 16); }
  Line& clear() {
    size_ = 0;
    return *this;
  }
  void write() const { serial_write({buffer_, size_}); }

private:
  Line& digits(uint64_t value, int count) {
    while (count-- > 0) text({&"0123456789abcdef"[value >> count * 4 & 15], 1});
    return *this;
  }
  char buffer_[512];
  unsigned size_ = 0;
};

} // namespace kernel
