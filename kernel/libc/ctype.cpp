// Character classes and the two odd functions of <math.h> and <string.h> that the prebuilt libraries name. Classes are
// those of ASCII in the C locale; glibc's headers read them from a table of 384 entries, for characters -128 … 255.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctype.h>

namespace {

constexpr int kFirst = -128;
constexpr int kLast = 255;

constexpr uint16_t classes_of(int c) {
  const bool upper = c >= 'A' && c <= 'Z';
  const bool lower = c >= 'a' && c <= 'z';
  const bool digit = c >= '0' && c <= '9';
  const bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  const bool graph = c > ' ' && c < 127;
  const bool space = c == ' ' || (c >= '\t' && c <= '\r');
  const bool alnum = upper || lower || digit;
  return static_cast<uint16_t>(
      (upper ? _ISupper : 0) | (lower ? _ISlower : 0) | (upper || lower ? _ISalpha : 0) | (digit ? _ISdigit : 0) |
      (hex ? _ISxdigit : 0) | (space ? _ISspace : 0) | (graph || c == ' ' ? _ISprint : 0) | (graph ? _ISgraph : 0) |
      (c == ' ' || c == '\t' ? _ISblank : 0) | ((c >= 0 && c < ' ') || c == 127 ? _IScntrl : 0) |
      (graph && !alnum ? _ISpunct : 0) | (alnum ? _ISalnum : 0));
}

constexpr auto kClasses = [] {
  std::array<uint16_t, kLast - kFirst + 1> table{};
  for (int c = kFirst; c <= kLast; ++c) table[static_cast<size_t>(c - kFirst)] = classes_of(c);
  return table;
}();
constexpr auto kLower = [] {
  std::array<int32_t, kLast - kFirst + 1> table{};
  for (int c = kFirst; c <= kLast; ++c) table[static_cast<size_t>(c - kFirst)] = c >= 'A' && c <= 'Z' ? c + 32 : c;
  return table;
}();

constinit const uint16_t* classes = kClasses.data() - kFirst;
constinit const int32_t* lower_case = kLower.data() - kFirst;

} // namespace

extern "C" {

const uint16_t** __ctype_b_loc() noexcept { return &classes; }
const int32_t** __ctype_tolower_loc() noexcept { return &lower_case; }

char* strerror_r(int, char* buffer, size_t size) noexcept {
  constexpr char kText[] = "error";
  if (size != 0) {
    const size_t count = size < sizeof kText ? size : sizeof kText;
    memcpy(buffer, kText, count);
    buffer[count - 1] = 0;
  }
  return buffer;
}
}
