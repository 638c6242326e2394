// Numbers of the text format (spec §6.3.1–6.3.2): «-0x1_F», «6.022e+23», «0x1.8p-3», «inf», «nan:0x7f». Floats are
// rounded once, exactly (to nearest, ties to even), without floating-point arithmetic: the same bits on every machine
// and in the kernel.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace runtime::text {

enum class LiteralError : uint8_t {
  syntax, // not a number of this kind
  range,  // a number, but not of this many bits
};

// Either a value's bits or why there is none.
struct Literal {
  uint64_t bits = 0;
  std::optional<LiteralError> error;
  static Literal fail(LiteralError why) { return {0, why}; }
};

// uN: no sign. N ≤ 64.
[[nodiscard]] Literal parse_unsigned(std::string_view text, unsigned bits);
// iN: −2^(N−1) … 2^N−1, as N bits of two's complement.
[[nodiscard]] Literal parse_integer(std::string_view text, unsigned bits);
[[nodiscard]] Literal parse_f32(std::string_view text);
[[nodiscard]] Literal parse_f64(std::string_view text);

} // namespace runtime::text
