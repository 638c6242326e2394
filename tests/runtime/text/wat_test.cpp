#include <new>

#include <catch2/catch.hpp>

#include "runtime/text/text.hpp"

using namespace runtime;

namespace {

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte byte : bytes) {
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

std::string binary(std::string_view wat) {
  auto result = parse_wat(wat);
  INFO(wat);
  if (!result) FAIL(result.error().describe());
  return hex(*result);
}

// Contents of the section `id` in hexadecimal; "" when there is none.
std::string section(std::string_view wat, uint8_t id) {
  auto result = parse_wat(wat);
  INFO(wat);
  if (!result) FAIL(result.error().describe());
  size_t at = 8;
  while (at < result->size()) {
    auto found = static_cast<uint8_t>((*result)[at++]);
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      auto byte = static_cast<uint8_t>((*result)[at++]);
      size |= size_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    if (found == id) return hex(std::span(*result).subspan(at, size));
    at += size;
  }
  return "";
}

Error refused(std::string_view wat) {
  auto result = parse_wat(wat);
  INFO(wat);
  REQUIRE(!result);
  CHECK(result.error().kind == ErrorKind::malformed);
  return result.error();
}

bool mentions(const Error& error, std::string_view text) { return error.message.find(text) != error.message.npos; }

} // namespace

TEST_CASE("a module may stand without its parentheses") {
  CHECK(binary("") == "0061736d01000000");
  CHECK(binary("(module)") == "0061736d01000000");
  CHECK(binary("(memory 1)") == binary("(module (memory 1))"));
  CHECK(mentions(refused("(module) (module)"), "unexpected token"));
}

TEST_CASE("folded and flat instructions make the same code") {
  const char* flat = "(func (param i32) (result i32) local.get 0 if (result i32) i32.const 1 else i32.const 2 end "
                     "i32.const 3 i32.add)";
  const char* folded = "(func (param i32) (result i32) (i32.add (if (result i32) (local.get 0) (then (i32.const 1)) "
                       "(else (i32.const 2))) (i32.const 3)))";
  CHECK(binary(flat) == binary(folded));
}

TEST_CASE("implicit function types come after the written ones, in the order of their first use") {
  const char* wat = "(func (result i64) (block (param f32) (result f64) unreachable) unreachable) (func (param i32)) "
                    "(func (result i64)) (type (func (param i32)))";
  // [i32] → [], as written; [] → [i64]; [f32] → [f64]
  CHECK(section(wat, 1) == "0360017f006000017e60017d017c");
  CHECK(section(wat, 3) == "03010001");
}

TEST_CASE("labels shadow, and indices count from the innermost") {
  CHECK(section("(func block $a block $b block $a br $a br $b end br $a end end)", 10) ==
        section("(func block block block br 0 br 1 end br 1 end end)", 10));
  CHECK(mentions(refused("(func block $a end br $a)"), "unknown label"));
  CHECK(mentions(refused("(func block $a end $b)"), "mismatching label"));
}

TEST_CASE("the names of module, functions and locals become the name section") {
  // "name", module "m", function 1 "f", locals of function 1: 0 "x", 2 "y"
  CHECK(section("(module $m (import \"a\" \"b\" (func)) (func $f (param $x i32) (param i32) (local $y i64)))", 0) ==
        "046e616d65"
        "0002016d"
        "0104010101"
        "66"
        "0209010102000178020179");
  CHECK(section("(func (param i32))", 0).empty());
}

TEST_CASE("identifiers may be quoted, and equal ones are equal however they are written") {
  CHECK(binary("(func $\"a b\" (call $\"a\\20b\"))").size() > 0);
  CHECK(mentions(refused("(func $a) (func $\"\\61\")"), "duplicate func"));
}

TEST_CASE("nesting of a million parentheses is read without recursion") {
  constexpr int kDepth = 1'000'000;
  std::string wat = "(func ";
  for (int i = 0; i < kDepth; ++i) wat += "(block ";
  wat += std::string(kDepth, ')') + ")";
  auto result = parse_wat(wat);
  REQUIRE(result);
  CHECK(result->size() > 3 * kDepth);
  CHECK(mentions(refused(wat.substr(0, wat.size() / 2)), "unexpected token"));
  std::string comments;
  for (int i = 0; i < kDepth; ++i) comments += "(;";
  CHECK(mentions(refused(comments), "unclosed comment"));
  CHECK(mentions(refused("(func " + std::string(kDepth, '(')), "unexpected token"));
}

TEST_CASE("an error says line and column of the token that is wrong") {
  const Error error = refused("(module\n  (func\n    i32.addd))");
  CHECK(mentions(error, "unknown operator i32.addd (line 3, column 5)"));
  CHECK(error.offset == 20);
}

TEST_CASE("imports must come before definitions of any kind") {
  for (const char* definition : {"(func)", "(table 0 funcref)", "(memory 0)", "(global i32 (i32.const 0))"}) {
    CHECK(mentions(refused(std::string(definition) + "(import \"\" \"\" (func))"), "import after"));
    CHECK(mentions(refused(std::string(definition) + "(memory (import \"\" \"\") 1)"), "import after"));
  }
}

TEST_CASE("a written signature must agree with the type it names") {
  CHECK(mentions(refused("(type $t (func (param i32))) (func (type $t) (param i64))"), "inline function type"));
  CHECK(binary("(type $t (func (param i32))) (func (type $t) (param i32) (drop (local.get 0)))").size() > 0);
}

TEST_CASE("a memory with inline data is as many pages as its bytes need") {
  CHECK(section("(memory (data))", 5) == "01010000");
  CHECK(section("(memory (data \"a\" \"b\"))", 5) == "01010101");
  CHECK(section("(memory (data \"" + std::string(65537, 'x') + "\"))", 5) == "01010202");
}

TEST_CASE("data segments are counted before the code only when code names them") {
  CHECK(section("(memory 1) (data \"x\")", 12).empty());
  CHECK(section("(memory 1) (data \"x\") (func (data.drop 0))", 12) == "01");
}

TEST_CASE("strings hold bytes, names must be UTF-8") {
  CHECK(section("(memory 1) (data \"\\ff\\t\\u{20ac}é\")", 11) == "010107ff09e282acc3a9");
  CHECK(mentions(refused("(func (export \"\\ff\"))"), "malformed UTF-8 encoding"));
  for (const char* string :
       {"\"\\q\"", "\"\\u{110000}\"", "\"\\u{d800}\"", "\"\\u{}\"", "\"\\4\"", "\"a\nb\"", "\"", "\"\x01\""})
    refused(std::string("(memory 1) (data ") + string + ")");
}

TEST_CASE("tokens must be separated") {
  for (const char* wat : {"(func (drop (i32.const0)))", "(func br 0drop)", "(memory 1) (data \"a\"\"b\")",
                          "(memory 1) (data \"a\"b)", "(func $a\"b\")", "(func,)", "(func [])"})
    refused(wat);
}
