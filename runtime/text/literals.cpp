#include "runtime/text/literals.hpp"
#include <algorithm>
#include <bit>
#include <vector>

namespace runtime::text {

namespace {

int digit_value(char c, unsigned base) {
  int value = c >= '0' && c <= '9'                 ? c - '0'
              : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10
              : base == 16 && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                   : -1;
  return value;
}

// Takes `digit (_? digit)*` from the front of `text` and shows each digit to `visit`. False: no digit there, or an
// underscore that does not stand between digits.
template <class Visit> bool take_digits(std::string_view& text, unsigned base, Visit visit) {
  bool after_digit = false;
  while (!text.empty()) {
    int value = digit_value(text[0], base);
    if (value >= 0) {
      visit(static_cast<unsigned>(value));
      after_digit = true;
    } else if (text[0] == '_' && after_digit) {
      after_digit = false;
    } else {
      break;
    }
    text.remove_prefix(1);
  }
  return after_digit;
}

// '+', '-' or nothing; true for '-'.
bool take_sign(std::string_view& text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

bool take_hex_prefix(std::string_view& text) {
  bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  return hex;
}

struct Magnitude {
  uint64_t value = 0;
  bool valid = false, overflow = false;
};
Magnitude take_magnitude(std::string_view text) {
  Magnitude result;
  unsigned base = take_hex_prefix(text) ? 16 : 10;
  result.valid = take_digits(text, base,
                             [&](unsigned digit) {
                               result.overflow |= __builtin_mul_overflow(result.value, uint64_t{base}, &result.value) ||
                                                  __builtin_add_overflow(result.value, uint64_t{digit}, &result.value);
                             }) &&
                 text.empty();
  return result;
}

constexpr uint64_t max_of(unsigned bits) { return ~uint64_t{0} >> (64 - bits); }

struct FloatFormat {
  unsigned mantissa_bits; // stored: 23 or 52
  int bias;
  unsigned total_bits;
  uint64_t infinity() const { return max_of(total_bits - 1) & ~max_of(mantissa_bits); }
};
constexpr FloatFormat kF32{23, 127, 32}, kF64{52, 1023, 64};

// The float nearest to mantissa × 2^exponent (more when `sticky`: the true value lies strictly between mantissa and
// mantissa + 1). Unsigned bits; infinity means overflow.
uint64_t round_to(const FloatFormat& format, uint64_t mantissa, int64_t exponent, bool sticky) {
  if (mantissa == 0) return 0;
  int shift = std::countl_zero(mantissa);
  mantissa <<= shift;
  exponent -= shift;
  int64_t biased = exponent + 63 + format.bias; // of the leading bit
  if (biased >= 2 * format.bias + 1) return format.infinity();
  // Bits to drop; a subnormal loses more. Dropping all 64 leaves only the decision between 0 and the smallest.
  int64_t drop = 63 - static_cast<int64_t>(format.mantissa_bits);
  if (biased <= 0) drop += 1 - biased;
  if (drop > 64) return 0;
  uint64_t kept = drop == 64 ? 0 : mantissa >> drop;
  uint64_t dropped = drop == 64 ? mantissa : mantissa & max_of(static_cast<unsigned>(drop));
  uint64_t half = uint64_t{1} << (drop - 1);
  bool up = dropped > half || (dropped == half && (sticky || (kept & 1) != 0));
  // A normal number's leading bit adds one to the exponent field, and so does a carry out of the mantissa.
  uint64_t result = biased <= 0 ? kept : kept + (static_cast<uint64_t>(biased - 1) << format.mantissa_bits);
  return result + (up ? 1 : 0);
}

// Natural number of any size; words from the lowest.
class Big {
public:
  explicit Big(uint64_t value = 0) {
    while (value != 0) {
      words_.push_back(static_cast<uint32_t>(value));
      value >>= 32;
    }
  }
  void multiply_add(uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (uint32_t& word : words_) {
      carry += uint64_t{word} * factor;
      word = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words_.push_back(static_cast<uint32_t>(carry));
  }
  void multiply_power_of_5(uint64_t exponent) {
    constexpr uint32_t kFiveTo13 = 1'220'703'125;
    for (; exponent >= 13; exponent -= 13) multiply_add(kFiveTo13, 0);
    for (; exponent > 0; --exponent) multiply_add(5, 0);
  }
  size_t bits() const {
    return words_.empty() ? 0 : words_.size() * 32 - static_cast<size_t>(std::countl_zero(words_.back()));
  }
  void shift_left(size_t count) {
    words_.insert(words_.begin(), count / 32, 0);
    if (unsigned rest = count % 32; rest != 0) multiply_add(uint32_t{1} << rest, 0);
  }
  bool operator>=(const Big& other) const {
    if (words_.size() != other.words_.size()) return words_.size() > other.words_.size();
    return !std::lexicographical_compare(words_.rbegin(), words_.rend(), other.words_.rbegin(), other.words_.rend());
  }
  void subtract(const Big& other) { // which is not larger
    int64_t borrow = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      int64_t difference = int64_t{words_[i]} - (i < other.words_.size() ? other.words_[i] : 0) + borrow;
      words_[i] = static_cast<uint32_t>(difference);
      borrow = difference < 0 ? -1 : 0;
    }
    while (!words_.empty() && words_.back() == 0) words_.pop_back();
  }
  bool is_zero() const { return words_.empty(); }
  bool bit(size_t index) const { return (words_[index / 32] >> (index % 32) & 1) != 0; }

private:
  std::vector<uint32_t> words_;
};

// digits × 10^exponent.
uint64_t round_decimal(const FloatFormat& format, Big digits, int64_t exponent, bool sticky) {
  if (digits.is_zero()) return 0;
  if (exponent >= 0) {
    digits.multiply_power_of_5(static_cast<uint64_t>(exponent));
    size_t bits = digits.bits(), low = bits > 64 ? bits - 64 : 0;
    uint64_t top = 0;
    for (size_t i = bits; i-- > low;) top = top << 1 | digits.bit(i);
    for (size_t i = 0; i < low && !sticky; ++i) sticky = digits.bit(i);
    return round_to(format, top, exponent + static_cast<int64_t>(low), sticky);
  }
  // digits / 5^e, then × 2^-e. Scale so that the quotient has 64 bits, and divide bit by bit.
  Big divisor(1);
  divisor.multiply_power_of_5(static_cast<uint64_t>(-exponent));
  int64_t scale = static_cast<int64_t>(divisor.bits()) - static_cast<int64_t>(digits.bits());
  if (scale >= 0)
    digits.shift_left(static_cast<size_t>(scale));
  else
    divisor.shift_left(static_cast<size_t>(-scale));
  // Now digits / divisor lies in (1/2, 2).
  uint64_t quotient = 0;
  for (int i = 0; i < 64; ++i) {
    bool one = digits >= divisor;
    if (one) digits.subtract(divisor);
    quotient = quotient << 1 | one;
    digits.shift_left(1);
  }
  return round_to(format, quotient, exponent - scale - 63, sticky || !digits.is_zero());
}

Literal parse_float(std::string_view text, const FloatFormat& format) {
  const Literal syntax = Literal::fail(LiteralError::syntax);
  uint64_t sign = take_sign(text) ? uint64_t{1} << (format.total_bits - 1) : 0;
  if (text == "inf") return {sign | format.infinity(), {}};
  if (text == "nan") return {sign | format.infinity() | uint64_t{1} << (format.mantissa_bits - 1), {}};
  if (text.starts_with("nan:")) {
    text.remove_prefix(4);
    if (!text.starts_with("0x")) return syntax;
    Magnitude payload = take_magnitude(text);
    if (!payload.valid) return syntax;
    if (payload.overflow || payload.value == 0 || payload.value > max_of(format.mantissa_bits))
      return Literal::fail(LiteralError::range);
    return {sign | format.infinity() | payload.value, {}};
  }

  const bool hex = take_hex_prefix(text);
  const unsigned base = hex ? 16 : 10;
  // Enough digits to decide every rounding; what follows only matters as not being zero.
  constexpr unsigned kMaxDecimalDigits = 800;
  uint64_t hex_mantissa = 0;
  Big decimal;
  unsigned kept = 0;
  int64_t exponent = 0; // of 2 or 10, correcting for the digits after the point and those dropped
  bool sticky = false, after_point = false;
  auto digit = [&](unsigned value) {
    bool room = hex ? hex_mantissa >> 60 == 0 : kept < kMaxDecimalDigits;
    if (room) {
      if (hex)
        hex_mantissa = hex_mantissa << 4 | value;
      else if (kept != 0 || value != 0) {
        if (kept == 0)
          decimal = Big(value);
        else
          decimal.multiply_add(10, value);
        ++kept;
      }
      if (after_point) exponent -= hex ? 4 : 1;
    } else {
      sticky |= value != 0;
      if (!after_point) exponent += hex ? 4 : 1;
    }
  };
  if (!take_digits(text, base, digit)) return syntax;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    after_point = true;
    if (!text.empty() && digit_value(text[0], base) >= 0 && !take_digits(text, base, digit)) return syntax;
  }
  if (!text.empty()) {
    if (!(hex ? text[0] == 'p' || text[0] == 'P' : text[0] == 'e' || text[0] == 'E')) return syntax;
    text.remove_prefix(1);
    bool negative = take_sign(text);
    int64_t written = 0;
    constexpr int64_t kHuge = int64_t{1} << 40; // beyond what any source length can compensate
    if (!take_digits(text, 10, [&](unsigned value) { written = std::min(kHuge, written * 10 + value); })) return syntax;
    if (!text.empty()) return syntax;
    exponent += negative ? -written : written;
  }

  uint64_t bits = 0;
  if (hex) {
    bits = round_to(format, hex_mantissa, exponent, sticky);
  } else if (!decimal.is_zero()) {
    int64_t magnitude = exponent + kept; // value < 10^magnitude
    bits = magnitude > 310    ? format.infinity()
           : magnitude < -345 ? 0
                              : round_decimal(format, std::move(decimal), exponent, sticky);
  }
  if (bits == format.infinity()) return Literal::fail(LiteralError::range);
  return {sign | bits, {}};
}

} // namespace

Literal parse_unsigned(std::string_view text, unsigned bits) {
  Magnitude magnitude = take_magnitude(text);
  if (!magnitude.valid) return Literal::fail(LiteralError::syntax);
  if (magnitude.overflow || magnitude.value > max_of(bits)) return Literal::fail(LiteralError::range);
  return {magnitude.value, {}};
}

Literal parse_integer(std::string_view text, unsigned bits) {
  bool negative = take_sign(text);
  Magnitude magnitude = take_magnitude(text);
  if (!magnitude.valid) return Literal::fail(LiteralError::syntax);
  uint64_t limit = negative ? uint64_t{1} << (bits - 1) : max_of(bits);
  if (magnitude.overflow || magnitude.value > limit) return Literal::fail(LiteralError::range);
  return {(negative ? 0 - magnitude.value : magnitude.value) & max_of(bits), {}};
}

Literal parse_f32(std::string_view text) { return parse_float(text, kF32); }
Literal parse_f64(std::string_view text) { return parse_float(text, kF64); }

} // namespace runtime::text
