#include <new>

#include <catch2/catch.hpp>

#include "runtime/binary/reader.hpp"
#include <string>
#include <vector>

using namespace runtime;

namespace {

struct Bytes {
  std::vector<uint8_t> data;
  [[nodiscard]] Reader reader() const { return {std::as_bytes(std::span(data)), 100, "unexpected end"}; }
};

template <class Read> std::string outcome(std::vector<uint8_t> data, Read read) {
  const Bytes bytes{std::move(data)};
  Reader reader = bytes.reader();
  const auto value = read(reader);
  return reader.failed() ? reader.error().message : std::to_string(value);
}
const auto u32 = [](Reader& r) { return r.u32(); };
const auto s32 = [](Reader& r) { return r.s32(); };
const auto s33 = [](Reader& r) { return r.s33(); };
const auto u64 = [](Reader& r) { return r.u64(); };
const auto s64 = [](Reader& r) { return r.s64(); };

} // namespace

TEST_CASE("LEB128 integers are read to the ends of their ranges") {
  CHECK(outcome({0x00}, u32) == "0");
  CHECK(outcome({0xe5, 0x8e, 0x26}, u32) == "624485");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x0f}, u32) == "4294967295");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x00}, u32) == "0");
  CHECK(outcome({0x7f}, s32) == "-1");
  CHECK(outcome({0x3f}, s32) == "63");
  CHECK(outcome({0x40}, s32) == "-64");
  CHECK(outcome({0xc0, 0xbb, 0x78}, s32) == "-123456");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x78}, s32) == "-2147483648");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x07}, s32) == "2147483647");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x0f}, s33) == "4294967295");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x70}, s33) == "-4294967296");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, u64) == "18446744073709551615");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, s64) == "-9223372036854775808");
}

TEST_CASE("LEB128 integers that are too long or too large are told apart") {
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, u32) == "integer representation too long");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x1f}, u32) == "integer too large");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x0f}, s32) == "integer too large");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x70}, s32) == "integer too large");
  CHECK(outcome({0xff, 0xff, 0xff, 0xff, 0x1f}, s33) == "integer too large");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, u64) == "integer too large");
  CHECK(outcome({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, s64) == "integer too large");
  CHECK(outcome({0x80, 0x80}, u32) == "unexpected end");
  CHECK(outcome({}, s64) == "unexpected end");
}

TEST_CASE("the first failure sticks, with the offset in the module") {
  const Bytes bytes{{0x01, 0x80}};
  Reader reader = bytes.reader();
  CHECK(reader.u32() == 1);
  CHECK(reader.u32() == 0);
  CHECK(reader.byte() == 0);
  reader.fail("later", ErrorKind::invalid);
  REQUIRE(reader.failed());
  CHECK(reader.error().message == "unexpected end");
  CHECK(reader.error().kind == ErrorKind::malformed);
  CHECK(reader.error().offset == 102);
  CHECK(reader.at_end());
}

TEST_CASE("names are bounded and valid UTF-8") {
  const auto name = [](std::vector<uint8_t> data) {
    const Bytes bytes{std::move(data)};
    Reader reader = bytes.reader();
    const std::string text(reader.name());
    return reader.failed() ? reader.error().message : text;
  };
  CHECK(name({3, 'a', 'b', 'c'}) == "abc");
  CHECK(name({4, 0xf0, 0x9f, 0x98, 0x80}) == "\xf0\x9f\x98\x80");
  CHECK(name({4, 'a', 'b', 'c'}) == "length out of bounds");
  CHECK(name({2, 0xc0, 0x80}) == "malformed UTF-8 encoding");             // overlong
  CHECK(name({3, 0xed, 0xa0, 0x80}) == "malformed UTF-8 encoding");       // surrogate
  CHECK(name({4, 0xf4, 0x90, 0x80, 0x80}) == "malformed UTF-8 encoding"); // beyond U+10FFFF
  CHECK(name({1, 0xe2}) == "malformed UTF-8 encoding");                   // cut off
}
