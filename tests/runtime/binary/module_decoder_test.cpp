#include <new>

#include <catch2/catch.hpp>

#include "runtime/binary/module.hpp"
#include <cstring>
#include <string>

using namespace runtime;

namespace {

std::vector<std::byte> module_of(std::initializer_list<std::vector<uint8_t>> sections) {
  std::vector<uint8_t> bytes = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const std::vector<uint8_t>& section : sections) { // id, then the content of fewer than 128 bytes
    bytes.push_back(section[0]);
    bytes.push_back(static_cast<uint8_t>(section.size() - 1));
    bytes.insert(bytes.end(), section.begin() + 1, section.end());
  }
  std::vector<std::byte> result(bytes.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

std::string outcome(std::vector<std::byte> bytes) {
  TypeRegistry types;
  const auto module = decode_module(std::move(bytes), types);
  return module ? "ok" : module.error().describe();
}
std::string outcome(std::initializer_list<std::vector<uint8_t>> sections) { return outcome(module_of(sections)); }

const std::vector<uint8_t> kOneType = {1, 1, 0x60, 0, 0}, kOneFunction = {3, 1, 0}, kOneBody = {10, 1, 2, 0, 0x0b};

} // namespace

TEST_CASE("a module's sections arrive in its index spaces, imports first") {
  TypeRegistry types;
  const auto module = decode_module(module_of({
                                        {1, 2, 0x60, 1, 0x7f, 0, 0x60, 0, 1, 0x7e},
                                        {2, 2, 1, 'm', 1, 'f', 0, 0, 1, 'm', 1, 'g', 3, 0x7f, 0},
                                        {3, 1, 1},
                                        {5, 1, 1, 1, 4},
                                        {6, 1, 0x7f, 1, 0x23, 0, 0x0b},
                                        {7, 1, 3, 'r', 'u', 'n', 0, 1},
                                        {10, 1, 4, 0, 0x42, 5, 0x0b},
                                        {11, 1, 0, 0x41, 8, 0x0b, 2, 'h', 'i'},
                                        {0, 4, 'n', 'a', 'm', 'e', 1, 5, 1, 1, 2, 'u', 'p'},
                                    }),
                                    types);
  REQUIRE(module.has_value());
  const DecodedModule& m = **module;
  CHECK(m.imports.size() == 2);
  CHECK(m.imports[1].module == "m");
  CHECK(m.imports[1].name == "g");
  CHECK(m.imports[1].kind == ExternKind::global);
  REQUIRE(m.functions.size() == 2);
  CHECK(m.imported_functions == 1);
  CHECK(types.func(m.functions[0])->params == std::vector<ValType>{ValKind::i32});
  CHECK(types.func(m.functions[1])->results == std::vector<ValType>{ValKind::i64});
  CHECK(m.memories[0].limits == Limits{.min = 1, .max = 4});
  CHECK(m.globals[1].type.mutable_);
  CHECK(m.globals[1].init[0].op == Op::global_get);
  CHECK(m.exports[0].name == "run");
  CHECK(m.exports[0].index == 1);
  CHECK(m.declared_refs == std::vector<bool>{false, true});
  REQUIRE(m.bodies.size() == 1);
  CHECK(m.bodies[0].bytes.size() == 4);
  CHECK(m.bytes.data() + m.bodies[0].offset == m.bodies[0].bytes.data());
  CHECK(m.data[0].mode == SegmentMode::active);
  CHECK(m.data[0].bytes.size() == 2);
  CHECK(m.function_names.at(1) == "up");
}

TEST_CASE("the header is checked before anything else") {
  const auto bytes = [](std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    return std::vector<std::byte>(view.begin(), view.end());
  };
  CHECK(outcome(bytes("")) == "malformed at byte 0: unexpected end");
  CHECK(outcome(bytes({"\0as", 3})) == "malformed at byte 0: unexpected end");
  CHECK(outcome(bytes({"\0asM\1\0\0\0", 8})) == "malformed at byte 0: magic header not detected");
  CHECK(outcome(bytes({"\0asm\1\0\0", 7})) == "malformed at byte 4: unexpected end");
  CHECK(outcome(bytes({"\0asm\x0d\0\1\0", 8})) == "malformed at byte 4: unknown binary version"); // a component
  CHECK(outcome(bytes({"\0asm\1\0\0\0", 8})) == "ok");
}

TEST_CASE("sections out of order, twice, of an unknown kind or of another size than they say are malformed") {
  CHECK(outcome({kOneType, kOneFunction, kOneBody}) == "ok");
  CHECK(outcome({kOneFunction, kOneType, kOneBody}) == "malformed at byte 12: unexpected content after last section");
  CHECK(outcome({kOneType, kOneType}) == "malformed at byte 14: unexpected content after last section");
  CHECK(outcome({{14, 0}}) == "malformed at byte 8: malformed section id");
  CHECK(outcome({{1, 1, 0x60, 0, 0, 0}}) == "malformed at byte 14: section size mismatch");
  CHECK(outcome({{1, 2, 0x60, 0, 0}}) == "malformed at byte 14: unexpected end of section or function");
  CHECK(outcome({kOneType, kOneFunction}) ==
        "malformed at byte 18: function and code section have inconsistent lengths");
  CHECK(outcome({{12, 1}}) == "malformed at byte 11: data count and data section have inconsistent lengths");
}

TEST_CASE("a malformed module is malformed even where an earlier part is invalid") {
  CHECK(outcome({{3, 1, 7}, kOneBody}) == "invalid at byte 11: unknown type 7");
  CHECK(outcome({{3, 1, 7}}) == "malformed at byte 12: function and code section have inconsistent lengths");
}

TEST_CASE("constant expressions are checked") {
  const auto global = [](std::vector<uint8_t> type, std::vector<uint8_t> init) {
    std::vector<uint8_t> section = {6, 1};
    section.insert(section.end(), type.begin(), type.end());
    section.push_back(0);
    section.insert(section.end(), init.begin(), init.end());
    section.push_back(0x0b);
    return outcome({section});
  };
  CHECK(global({0x7f}, {0x41, 1, 0x41, 2, 0x6a}) == "ok"); // extended constant expressions
  CHECK(global({0x6c}, {0x41, 1, 0xfb, 28}) == "ok");      // ref.i31
  CHECK(global({0x7f}, {0x42, 1}) == "invalid at byte 15: type mismatch: expected i32 but found i64");
  CHECK(global({0x7f}, {}) == "invalid at byte 13: type mismatch: expected i32 but the stack is empty");
  CHECK(global({0x7f}, {0x41, 1, 0x41, 2}) ==
        "invalid at byte 17: type mismatch: a constant expression leaves one value");
  CHECK(global({0x7f}, {0x41, 1, 0x45}) == "invalid at byte 15: constant expression required: i32.eqz");
  CHECK(global({0x7f}, {0x23, 0}) == "invalid at byte 13: unknown global 0"); // itself
  CHECK(global({0x70}, {0xd2, 0}) == "invalid at byte 13: unknown function 0");
  CHECK(global({0x7f}, {0x27}) == "malformed at byte 13: illegal opcode");
}

TEST_CASE("types, limits, exports and the start function are validated") {
  CHECK(outcome({{1, 1, 0x60, 1, 0x64, 5, 0}}) == "invalid at byte 15: unknown type");
  CHECK(outcome({{1, 2, 0x5f, 0, 0x50, 1, 0, 0x5f, 0}}) == "invalid at byte 13: sub type 1 does not match super type");
  CHECK(outcome({{5, 1, 1, 2, 1}}) == "invalid at byte 11: size minimum must not be greater than maximum");
  CHECK(outcome({{5, 1, 0, 0x81, 0x80, 4}}) == "invalid at byte 11: memory size must be at most 65536 pages (4GiB)");
  CHECK(outcome({{5, 1, 4, 0x81, 0x80, 4}}) == "ok"); // a 64-bit memory
  CHECK(outcome({{5, 1, 2, 1}}) == "invalid at byte 11: shared memory must have maximum");
  CHECK(outcome({{5, 1, 8, 1}}) == "malformed at byte 12: malformed limits flags");
  CHECK(outcome({{4, 1, 0x64, 0x70, 0, 1}}) ==
        "invalid at byte 11: type mismatch: a table of non-nullable references needs an initial value");
  CHECK(outcome({kOneType, kOneFunction, {7, 2, 1, 'a', 0, 0, 1, 'a', 0, 0}, kOneBody}) ==
        "invalid at byte 25: duplicate export name \"a\"");
  CHECK(outcome({{7, 1, 1, 'a', 2, 0}}) == "invalid at byte 11: unknown memory 0");
  CHECK(outcome({{1, 1, 0x60, 1, 0x7f, 0}, kOneFunction, {8, 0}, kOneBody}) ==
        "invalid at byte 21: start function must have neither parameters nor results");
  CHECK(outcome({{1, 1, 0x60, 0, 1, 0x7f}, {13, 1, 0, 0}}) == "invalid at byte 19: non-empty tag result type");
}

TEST_CASE("a malformed name section is ignored") {
  CHECK(outcome({{0, 4, 'n', 'a', 'm', 'e', 0, 9, 200, 200}}) == "ok");
}
