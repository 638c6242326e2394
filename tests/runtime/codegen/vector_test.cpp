// Vectors as values, in memory, and where instructions are easily got wrong; the instructions themselves are in the
// specification's suite (tests/conformance). Everything runs in both encodings.
#include "tests/runtime/exec/guest.hpp"

using namespace runtime;
using namespace runtime::testing;

namespace {

const ValType v128{ValKind::v128};
Value vector(uint64_t low, uint64_t high) { return {ValKind::v128, {low, high}}; }
EngineOptions encoded(VectorEncoding encoding, bool deterministic = false) {
  return {.compile = {.deterministic = deterministic, .vector_encoding = encoding}};
}
constexpr VectorEncoding kEncodings[] = {VectorEncoding::best, VectorEncoding::floor};

std::string repeated(const char* text, uint32_t count) {
  std::string all;
  for (uint32_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST_CASE("more vectors than registers are passed and returned in order, between other values") {
  for (const VectorEncoding encoding : kEncodings) {
    constexpr uint32_t kCount = 12; // of each
    Guest guest({}, encoded(encoding));
    const std::string params = repeated(" v128 i64 f32", kCount), results = repeated(" f32 i64 v128", kCount);
    std::string gets, forwards;
    for (uint32_t i = 3 * kCount; i-- > 0;) gets += " (local.get " + std::to_string(i) + ")";
    for (uint32_t i = 0; i < 3 * kCount; ++i) forwards += " (local.get " + std::to_string(i) + ")";
    guest.add("(module (type $t (func (param" + params + ") (result" + results + "))) (table funcref (elem $f))" +
              "(func $f (export \"f\") (type $t)" + gets + ")" + "(func (export \"direct\") (type $t) (call $f" +
              forwards + "))" + "(func (export \"indirect\") (type $t) (call_indirect (type $t)" + forwards +
              " (i32.const 0)))" + "(func (export \"tail\") (type $t) (return_call $f" + forwards + ")))");
    std::vector<Value> arguments;
    for (uint32_t i = 0; i < kCount; ++i) {
      arguments.push_back(vector(0x1111'0000 + i, 0x2222'0000 + i));
      arguments.push_back(Value::i64(0x3333'0000 + i));
      arguments.push_back(Value::f32_bits(0x4444'0000 + i));
    }
    for (const char* name : {"f", "direct", "indirect", "tail"}) {
      const auto got = guest.results(name, arguments);
      REQUIRE(got.size() == arguments.size());
      for (size_t i = 0; i < got.size(); ++i) {
        const Value& wanted = arguments[arguments.size() - 1 - i];
        INFO(name << " result " << i);
        CHECK(got[i].type == wanted.type);
        CHECK(got[i].bits[0] == wanted.bits[0]);
        CHECK(got[i].bits[1] == wanted.bits[1]);
      }
    }
  }
}

TEST_CASE("a call through a type that is not final keeps all vector parameters") {
  Guest guest;
  guest.add(R"((module (rec (type $t (sub (func (param v128 v128) (result v128)))))
    (rec (type $u (sub $t (func (param v128 v128) (result v128)))))
    (table funcref (elem $f))
    (func $f (type $u) (i64x2.add (local.get 0) (local.get 1)))
    (func (export "f") (param v128 v128) (result v128)
      (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))))");
  const auto got = guest.results("f", {vector(1, 2), vector(10, 20)});
  CHECK(got[0].bits[0] == 11);
  CHECK(got[0].bits[1] == 22);
}

TEST_CASE("vectors in locals, on the stack and in joins survive calls and loops") {
  for (const VectorEncoding encoding : kEncodings) {
    Guest guest({}, encoded(encoding));
    // $x is hot and lives in a register; twenty more vectors are on the operand stack across the calls.
    guest.add("(module (func $nothing) (func (export \"f\") (param $x v128) (param $n i32) (result v128)"
              "(local $other v128)" +
              repeated("(local.get $x) (call $nothing)", 20) +
              "(loop $again (param v128) (result v128)"
              "  (i64x2.add (local.get $x)) (call $nothing)"
              "  (local.set $x (i64x2.add (local.get $x) (local.get $other)))"
              "  (local.set $n (i32.sub (local.get $n) (i32.const 1)))"
              "  (br_if $again (local.get $n)))" +
              repeated("(i64x2.add)", 19) +
              "(if (param v128) (result v128) (local.get $n) (then (i64x2.neg)) (else (i64x2.add (local.get $other))))"
              "(select (local.get $other) (i32.eqz (local.get $n)))))");
    const auto got = guest.results("f", {vector(3, 0x1'0000'0000), Value::i32(5)});
    CHECK(got[0].bits[0] == 3 * 25);
    CHECK(got[0].bits[1] == 25 * 0x1'0000'0000);
  }
}

TEST_CASE("a function with many vector locals starts with all of them zero") {
  for (const uint32_t count : {3u, 40u}) {
    std::string sum;
    for (uint32_t i = 0; i < count; ++i) sum += "(i64x2.add (local.get " + std::to_string(i) + "))";
    Guest guest;
    guest.add("(module (func $dirty (result v128)" + repeated("(v128.const i64x2 -1 -1)", 60) +
              repeated("(v128.and)", 59) + ") (func $sum (result v128) (local" + repeated(" v128", count) +
              ") (v128.const i64x2 0 0)" + sum +
              ") (func (export \"f\") (result v128) (drop (call $dirty)) (call $sum)))");
    const auto got = guest.results("f");
    CHECK(got[0].bits[0] == 0);
    CHECK(got[0].bits[1] == 0);
  }
}

TEST_CASE("a function without vector instructions hands on those of globals and calls") {
  Guest guest;
  guest.add(R"((module (global $g (export "g") (mut v128) (v128.const i64x2 7 8))
    (func $swap (param v128) (result v128) (global.get $g) (global.set $g (local.get 0)))
    (func (export "f") (param v128) (result v128 v128) (call $swap (local.get 0)) (call $swap (local.get 0)))))");
  const auto got = guest.results("f", {vector(1, 2)});
  CHECK(got[0].bits[1] == 8);
  CHECK(got[1].bits[1] == 2);
  CHECK(guest.exported<Global>("g")->get().bits[0] == 1);
  CHECK(guest.exported<Global>("g")->get().bits[1] == 2);
}

TEST_CASE("a host function takes and gives vectors of two words each") {
  Guest guest;
  guest.host("env", "mix", {{i32, v128, i64}, {v128, i32}}, [&](HostCall& call) -> Result<void> {
    REQUIRE(call.values.size() == 4);
    const uint64_t sum = call.values[0] + call.values[3];
    std::swap(call.values[1], call.values[2]);
    call.values[0] = call.values[1];
    call.values[1] = call.values[2];
    call.values[2] = sum;
    return {};
  });
  guest.add(R"((module (import "env" "mix" (func $mix (param i32 v128 i64) (result v128 i32)))
    (func (export "f") (param v128) (result v128 i32) (call $mix (i32.const 40) (local.get 0) (i64.const 2)))))");
  const auto got = guest.results("f", {vector(5, 6)});
  CHECK(got[0].bits[0] == 6);
  CHECK(got[0].bits[1] == 5);
  CHECK(got[1].bits[0] == 42);
}

// Every access to memory, with how many bytes it touches.
struct Access {
  const char* text; // with an i32 or i64 address below
  uint32_t bytes;
  bool takes_vector;
};
constexpr Access kAccesses[] = {
    {"v128.load", 16, false},        {"v128.load8x8_s", 8, false},    {"v128.load8x8_u", 8, false},
    {"v128.load16x4_s", 8, false},   {"v128.load16x4_u", 8, false},   {"v128.load32x2_s", 8, false},
    {"v128.load32x2_u", 8, false},   {"v128.load8_splat", 1, false},  {"v128.load16_splat", 2, false},
    {"v128.load32_splat", 4, false}, {"v128.load64_splat", 8, false}, {"v128.load32_zero", 4, false},
    {"v128.load64_zero", 8, false},  {"v128.store", 16, true},        {"v128.load8_lane", 1, true},
    {"v128.load16_lane", 2, true},   {"v128.load32_lane", 4, true},   {"v128.load64_lane", 8, true},
    {"v128.store8_lane", 1, true},   {"v128.store16_lane", 2, true},  {"v128.store32_lane", 4, true},
    {"v128.store64_lane", 8, true}};

TEST_CASE("vector accesses reach the last byte of a memory and trap one beyond, at both ends of addresses") {
  constexpr uint64_t kSize = 65536;
  for (const VectorEncoding encoding : kEncodings)
    for (const char* memory : {"(memory 1)", "(memory 0) (memory 1)", "(memory i64 1)"})
      for (const Access& access : kAccesses) {
        const std::string_view kind = memory;
        const bool is_64 = kind.contains("i64"), is_second = kind.contains("0");
        const std::string address = is_64 ? "i64" : "i32", name = access.text;
        const bool is_lane = name.ends_with("_lane"), is_store = name.starts_with("v128.store");
        std::string code = "(" + name + (is_second ? " 1" : "") + " offset=3" + (is_lane ? " 1" : "") +
                           " (local.get 0)" + (access.takes_vector ? " (v128.const i64x2 1 2)" : "") + ")";
        if (is_lane && access.bytes == 8) code.replace(code.find("offset=3 1") + 9, 1, "0");
        if (!is_store) code = "(drop " + code + ")";
        Guest guest({}, encoded(encoding));
        guest.add("(module " + std::string(memory) + " (func (export \"f\") (param " + address + ") " + code + "))");
        INFO(memory << " " << code);
        const auto at = [&](uint64_t place) {
          return is_64 ? Value::i64(place) : Value::i32(static_cast<uint32_t>(place));
        };
        CHECK(guest.call("f", {at(kSize - 3 - access.bytes)}).has_value());
        for (const uint64_t place : {kSize - 2 - access.bytes, kSize, uint64_t{0xffff'ffff}, ~uint64_t{0}})
          CHECK(guest.error("f", {at(place)}).trap == TrapCode::memory_out_of_bounds);
      }
}

TEST_CASE("in deterministic mode every NaN that vectors compute is the positive canonical one") {
  constexpr const char* kF32[] = {"(f32x4.add (local.get 0) (local.get 0))",
                                  "(f32x4.min (local.get 0) (local.get 0))",
                                  "(f32x4.max (local.get 0) (local.get 0))",
                                  "(f32x4.sqrt (local.get 0))",
                                  "(f32x4.nearest (local.get 0))",
                                  "(f32x4.mul (local.get 0) (local.get 0))",
                                  "(f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))"};
  for (const VectorEncoding encoding : kEncodings)
    for (const char* code : kF32) {
      Guest guest({}, encoded(encoding, true));
      guest.add("(module (func (export \"f\") (param v128) (result v128) " + std::string(code) +
                ") (func (export \"set\") (param v128) (result v128) (local.set 0 " + code +
                ") (local.get 0) (local.get 0) (v128.or)))");
      for (const char* name : {"f", "set"}) {
        const auto got = guest.results(name, {vector(0xffc1'2345'ffff'ffff, 0x7fc0'0001'7f80'0001)});
        INFO(code);
        CHECK(got[0].bits[0] == 0x7fc0'0000'7fc0'0000);
        CHECK(got[0].bits[1] == 0x7fc0'0000'7fc0'0000);
      }
    }
}

} // namespace
