// Number literals against the C library, whose strtof and strtod round exactly.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/text/literals.hpp"
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

using namespace runtime::text;

namespace {

void check_like_libc(const std::string& text) {
  INFO(text);
  const double d = std::strtod(text.c_str(), nullptr);
  const float f = std::strtof(text.c_str(), nullptr);
  const Literal f64 = parse_f64(text), f32 = parse_f32(text);
  if (std::isinf(d))
    CHECK(f64.error == LiteralError::range);
  else
    CHECK((!f64.error && f64.bits == std::bit_cast<uint64_t>(d)));
  if (std::isinf(f))
    CHECK(f32.error == LiteralError::range);
  else
    CHECK((!f32.error && f32.bits == std::bit_cast<uint32_t>(f)));
}

std::string printed(const char* format, double value) {
  char buffer[2000];
  return {buffer, static_cast<size_t>(std::snprintf(buffer, sizeof buffer, format, value))};
}

} // namespace

TEST_CASE("any double printed in decimal or hexadecimal reads as libc reads it") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    for (const char* format : {"%.17g", "%.9e", "%.3e", "%a"}) check_like_libc(printed(format, value));
    check_like_libc(printed("%.20e", static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(random())))));
  }
}

TEST_CASE("halfway cases, subnormals and the ends of the range round as libc rounds them") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300; ++i) {
    // The exact decimal expansion of the middle of two neighbours, and that plus and minus a little.
    const float low = std::bit_cast<float>(static_cast<uint32_t>(random()) & 0x7fff'ffff);
    if (!std::isfinite(low)) continue;
    const float high = std::nextafterf(low, INFINITY);
    if (std::isinf(high)) continue;
    std::string middle = printed("%.200e", (static_cast<double>(low) + static_cast<double>(high)) / 2);
    check_like_libc(middle);
    const size_t e = middle.find('e');
    check_like_libc(middle.substr(0, e) + "0000000001" + middle.substr(e));
  }
  for (const char* text : {"4.9406564584124654e-324",
                           "2.4703282292062327e-324",
                           "2.4703282292062328e-324",
                           "2.2250738585072011e-308",
                           "2.2250738585072014e-308",
                           "1.7976931348623157e308",
                           "1.7976931348623158e308",
                           "1.7976931348623159e308",
                           "3.4028234663852886e38",
                           "3.4028235677973366e38",
                           "3.4028235677973367e38",
                           "1.4e-45",
                           "0.7e-45",
                           "0.70064923216e-45",
                           "0x1p-1074",
                           "0x1p-1075",
                           "0x1.8p-1075",
                           "0x1.fffffffffffff8p1023",
                           "0x1.fffffffffffff7p1023",
                           "0x1p-149",
                           "0x1p-150",
                           "0x1.ffffffp127",
                           "0x1.fffffefffffffffffffp127",
                           "1e400",
                           "1e-400",
                           "0e999999999999",
                           "1e999999999999",
                           "1e-999999999999",
                           "9007199254740993",
                           "9007199254740992.999999999999",
                           "0x10000000000000.8",
                           "0x10000000000000.80000000000000000000000000001",
                           "0x123456789abcdef0123456789abcdef",
                           "0.",
                           "0x0.p3",
                           "1."})
    check_like_libc(text);
}

TEST_CASE("just above half of the smallest subnormal is the smallest subnormal") {
  CHECK(parse_f32("0x1.000001p-150").bits == 1); // glibc 2.36 says 0
  CHECK(parse_f64("0x1.0000000000001p-1075").bits == 1);
}

TEST_CASE("hundreds of thousands of digits are read exactly and quickly") {
  check_like_libc("0." + std::string(400, '0') + std::string(200'000, '7') + "e380");
  check_like_libc("1" + std::string(200'000, '0') + "1e-200000");
  check_like_libc("0x" + std::string(200'000, '0') + "1." + std::string(100'000, '0') + "1p3");
}

TEST_CASE("underscores stand between digits only") {
  CHECK(parse_f64("1_0.5_0e1_0").bits == std::bit_cast<uint64_t>(10.5e10));
  CHECK(parse_integer("0x0_f", 32).bits == 15);
  for (const char* text : {"_1", "1_", "1__0", "0x_1", "0x1_", "1_.0", "1._0", "1.0_", "1e_1", "1e1_", "0_x1"}) {
    INFO(text);
    CHECK(parse_f64(text).error == LiteralError::syntax);
    CHECK(parse_integer(text, 64).error == LiteralError::syntax);
  }
}

TEST_CASE("integers have the range of both signed and unsigned numbers of their width") {
  CHECK(parse_integer("4294967295", 32).bits == 0xffff'ffff);
  CHECK(parse_integer("-2147483648", 32).bits == 0x8000'0000);
  CHECK(parse_integer("+0x7f", 8).bits == 0x7f);
  CHECK(parse_integer("-128", 8).bits == 0x80);
  CHECK(parse_integer("18446744073709551615", 64).bits == ~uint64_t{0});
  for (const char* text : {"4294967296", "-2147483649", "0x1_0000_0000", "99999999999999999999999999"})
    CHECK(parse_integer(text, 32).error == LiteralError::range);
  CHECK(parse_integer("18446744073709551616", 64).error == LiteralError::range);
  for (const char* text : {"", "-", "0x", "1a", "a", "--1", "1.0", "0X1"})
    CHECK(parse_integer(text, 32).error == LiteralError::syntax);
  CHECK(parse_unsigned("+1", 32).error == LiteralError::syntax);
}

TEST_CASE("a NaN keeps its payload, which must not be zero or too wide") {
  CHECK(parse_f32("-nan").bits == 0xffc0'0000);
  CHECK(parse_f32("nan:0x1").bits == 0x7f80'0001);
  CHECK(parse_f64("nan:0xf_ffff_ffff_ffff").bits == 0x7fff'ffff'ffff'ffff);
  CHECK(parse_f64("-inf").bits == 0xfff0'0000'0000'0000);
  CHECK(parse_f32("nan:0x0").error == LiteralError::range);
  CHECK(parse_f32("nan:0x80_0000").error == LiteralError::range);
  for (const char* text :
       {"nan:1", "nan:", "nan:0x", "NaN", "Inf", "infinity", "0x", ".5", "0x.8", "1e", "1p3", "0x1e+3", "1.5.0"})
    CHECK(parse_f64(text).error == LiteralError::syntax);
}
