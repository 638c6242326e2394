// What the baseline compiler promises beyond the suites: pressure on registers and frames, limits, hostile shapes, the
// deterministic profile.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/engine.hpp"
#include "runtime/text/text.hpp"
#include <chrono>
#include <functional>

using namespace runtime;

namespace {

Result<std::shared_ptr<const Module>> compile(Engine& engine, const std::string& wat) {
  return parse_wat(wat).and_then(
      [&](std::vector<std::byte> bytes) { return Module::compile(engine, std::move(bytes)); });
}

struct Program {
  explicit Program(const std::string& wat, EngineOptions options = {}) : engine(options), store(engine) {
    auto module = compile(engine, wat);
    if (!module) FAIL(module.error().describe());
    auto made = store.instantiate(*module, {});
    if (!made) FAIL(made.error().describe());
    instance = *made;
  }
  Result<std::vector<Value>> call(const char* name, std::vector<Value> arguments = {}) {
    return store.call(*std::get<Func*>(*instance->find_export(name)), arguments);
  }
  uint64_t value(const char* name, std::vector<Value> arguments = {}) {
    auto results = call(name, std::move(arguments));
    if (!results) FAIL(results.error().describe());
    return results->front().bits[0];
  }
  Engine engine;
  Store store;
  Instance* instance = nullptr;
};

std::string repeat(int count, const std::function<std::string(int)>& piece) {
  std::string text;
  for (int i = 0; i < count; ++i) text += piece(i);
  return text;
}
std::string number(int i) { return std::to_string(i); }

TEST_CASE("more values than registers survive on the operand stack, in order") {
  // 40 products wait on the stack while the next ones are computed and a call destroys all registers
  const std::string wat =
      "(module (func $id (param i64) (result i64) (local.get 0)) (func (export \"f\") (param i64) (result i64) " +
      repeat(40, [](int i) { return "(i64.mul (local.get 0) (i64.const " + number(i + 1) + "))"; }) +
      "(call $id (i64.const 5))" + repeat(40, [](int) { return std::string("i64.sub "); }) + "))";
  Program program(wat);
  // right-nested: 1x - (2x - (3x - … - (40x - 5)))
  int64_t expected = 5;
  for (int i = 40; i > 0; --i) expected = int64_t{i} * 7 - expected;
  CHECK(program.value("f", {Value::i64(7)}) == static_cast<uint64_t>(expected));
}

TEST_CASE("float values beyond the registers survive on the operand stack, in order") {
  const std::string wat =
      "(module (func (export \"f\") (param f64) (result f64) " +
      repeat(30, [](int i) { return "(f64.mul (local.get 0) (f64.const " + number(i + 1) + "))"; }) +
      repeat(29, [](int) { return std::string("f64.sub "); }) + "))";
  double expected = 30 * 0.5;
  for (int i = 29; i > 0; --i) expected = i * 0.5 - expected;
  CHECK(std::bit_cast<double>(Program(wat).value("f", {Value::f64_bits(std::bit_cast<uint64_t>(0.5))})) == expected);
}

TEST_CASE("parameters and results beyond the registers arrive in order") {
  const int count = 30;
  const std::string types = repeat(count, [](int i) {
    return std::string(i % 3 == 1 ? "f64 " : i % 3 == 2 ? "i32 " : "i64 ");
  });
  const std::string wat = "(module (func $rotate (param " + types + ") (result " + types + ") " +
                          repeat(count, [&](int i) { return "(local.get " + number((i + 3) % count) + ")"; }) + ")" +
                          "(func (export \"f\") (param " + types + ") (result " + types + ") " +
                          repeat(count, [](int i) { return "(local.get " + number(i) + ")"; }) +
                          "call $rotate call $rotate))";
  Program program(wat);
  std::vector<Value> arguments;
  for (int i = 0; i < count; ++i) {
    const uint64_t n = static_cast<uint64_t>(i) + 100;
    arguments.push_back(i % 3 == 1   ? Value::f64_bits(n)
                        : i % 3 == 2 ? Value::i32(static_cast<uint32_t>(n))
                                     : Value::i64(n));
  }
  const auto results = program.call("f", arguments);
  REQUIRE(results.has_value());
  for (int i = 0; i < count; ++i)
    CHECK((*results)[static_cast<size_t>(i)].bits[0] == static_cast<uint64_t>((i + 6) % count + 100));
}

TEST_CASE("arguments that exchange their registers arrive exchanged") {
  Program program(R"((module
    (func $six (param i32 i32 i32 i32 i32 i32) (result i32)
      (i32.add (i32.mul (i32.add (i32.mul (i32.add (i32.mul (i32.add (i32.mul (i32.add (i32.mul
        (local.get 0) (i32.const 10)) (local.get 1)) (i32.const 10)) (local.get 2)) (i32.const 10)) (local.get 3))
        (i32.const 10)) (local.get 4)) (i32.const 10)) (local.get 5)))
    (func (export "swap") (param i32 i32 i32 i32 i32 i32) (result i32)
      (call $six (local.get 1) (local.get 0) (local.get 3) (local.get 4) (local.get 2) (local.get 5)))))");
  std::vector<Value> arguments;
  for (uint32_t i = 1; i <= 6; ++i) arguments.push_back(Value::i32(i));
  CHECK(program.value("swap", arguments) == 214536);
}

TEST_CASE("a local read before it is changed keeps its old value on the stack") {
  Program program(R"((module (func (export "f") (param i32) (result i32)
    (local.get 0) (local.get 0) (local.set 0 (i32.const 100)) (local.get 0) (i32.add) (i32.add))))");
  CHECK(program.value("f", {Value::i32(7)}) == 114);
}

TEST_CASE("locals in registers keep their values across calls, in loops and recursion") {
  Program program(R"((module
    (func $clobber (param i32) (result i32) (local i32 i32 i32 i32 i32 i32 i32 i32)
      (loop (local.set 1 (i32.add (local.get 1) (local.get 2))) (local.set 2 (i32.add (local.get 3) (local.get 4)))
        (local.set 3 (i32.add (local.get 5) (local.get 6))) (local.set 4 (i32.const 9)) (local.set 5 (i32.const 8))
        (local.set 6 (i32.const 7)) (local.set 7 (i32.const 6)) (local.set 8 (local.get 7))
        (br_if 0 (i32.lt_u (local.get 1) (i32.const 10))))
      (local.get 0))
    (func (export "f") (param $n i32) (result i32) (local $i i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $x f64)
      (local.set $x (f64.const 0.5))
      (loop $again
        (local.set $a (i32.add (local.get $a) (local.get $i)))
        (local.set $b (i32.xor (local.get $b) (local.get $a)))
        (local.set $c (i32.add (local.get $c) (call $clobber (local.get $b))))
        (local.set $d (i32.add (local.get $d) (local.get $c)))
        (local.set $x (f64.add (local.get $x) (f64.const 1)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (i32.add (i32.add (local.get $d) (local.get $a)) (i32.trunc_f64_u (local.get $x))))))");
  uint32_t a = 0, b = 0, c = 0, d = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    a += i;
    b ^= a;
    c += b;
    d += c;
  }
  CHECK(program.value("f", {Value::i32(100)}) == d + a + 100);
}

TEST_CASE("fifty thousand locals start at zero and a deeper recursion exhausts the stack cleanly") {
  Program program("(module (func $f (export \"f\") (param i32) (result i64) (local" +
                  repeat(49'999, [](int) { return std::string(" i64"); }) +
                  ") (if (result i64) (local.get 0) (then (local.set 1 (i64.const 5)) (local.set 49999 (i64.const 6))"
                  " (call $f (i32.sub (local.get 0) (i32.const 1))))"
                  " (else (i64.add (i64.add (local.get 1) (local.get 25000)) (local.get 49999))))))");
  CHECK(program.value("f", {Value::i32(3)}) == 0);
  const auto deep = program.call("f", {Value::i32(1'000'000)});
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().trap == TrapCode::stack_exhausted);
  CHECK(program.value("f", {Value::i32(2)}) == 0); // and the stack is whole again
}

TEST_CASE("a frame beyond the limit is refused with both numbers") {
  Engine engine;
  // 200,000 values wait in slots: a call spills them
  const auto module =
      compile(engine, "(module (func $g) (func (param i64) (result i64) " +
                          repeat(200'000, [](int) { return std::string("local.get 0 i64.eqz i64.extend_i32_u "); }) +
                          " call $g " + repeat(199'999, [](int) { return std::string("i64.add "); }) + "))");
  REQUIRE_FALSE(module.has_value());
  CHECK(module.error().kind == ErrorKind::limit);
  CHECK(module.error().message.find("stack frame") != std::string::npos);
  CHECK(module.error().message.find("1048576") != std::string::npos);
}

TEST_CASE("br_table reaches each of a thousand targets, its default, and carries a value") {
  const int targets = 1000;
  std::string text = "(module (func (export \"f\") (param i32) (result i32) ";
  for (int i = 0; i < targets; ++i) text += "(block (result i32) ";
  text += "(i32.const 7) (local.get 0) br_table " + repeat(targets, [](int i) { return number(i) + " "; }) +
          number(targets - 1);
  for (int i = 0; i < targets; ++i) text += ") (i32.const 1) i32.add ";
  text += "))";
  Program program(text);
  for (const uint32_t index : {0u, 1u, 5u, 500u, 998u, 999u, 1000u, 0xffff'ffffu}) {
    const uint32_t reached = std::min(index, 999u);
    CHECK(program.value("f", {Value::i32(index)}) == 7 + 1000 - reached);
  }
}

TEST_CASE("hostile shapes compile in bounded time") {
  // 100,000 nested blocks each branched out of; a table of 100,000 targets; 100,000 reads of locals that then change
  const std::string nest = "(module (func (param i32) " + repeat(20'000, [](int) { return std::string("block "); }) +
                           repeat(20'000, [](int) { return std::string("local.get 0 br_if 0 end "); }) + "))";
  const std::string table = "(module (func (param i32) (block local.get 0 br_table " +
                            repeat(50'000, [](int i) { return number(i % 2) + " "; }) + "0)))";
  const std::string aliases = "(module (func (param i32) (result i32) " +
                              repeat(50'000, [](int) { return std::string("local.get 0 "); }) +
                              repeat(50'000, [](int) { return std::string("i32.const 1 local.set 0 "); }) +
                              repeat(49'999, [](int) { return std::string("i32.xor "); }) + "))";
  for (const std::string* wat : {&nest, &table, &aliases}) {
    Engine engine;
    const auto start = std::chrono::steady_clock::now();
    const auto module = compile(engine, *wat);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!module) CHECK(module.error().kind == ErrorKind::limit);
    CHECK(seconds < 5); // milliseconds in truth; a quadratic step would take minutes
  }
}

TEST_CASE("in the deterministic profile every computed NaN is the positive canonical one") {
  const std::string wat = R"((module
    (func (export "add") (param f64) (result i64) (i64.reinterpret_f64 (f64.add (local.get 0) (f64.const 1))))
    (func (export "zero") (param f64) (result i64) (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 0))))
    (func (export "min") (param f64) (result i64) (i64.reinterpret_f64 (f64.min (local.get 0) (f64.const 1))))
    (func (export "sqrt") (param f64) (result i64) (i64.reinterpret_f64 (f64.sqrt (f64.const -1))))
    (func (export "demote") (param f64) (result i32) (i32.reinterpret_f32 (f32.demote_f64 (local.get 0))))
    (func (export "neg") (param f64) (result i64) (i64.reinterpret_f64 (f64.neg (local.get 0))))))";
  Program program(wat, {.compile = {.deterministic = true}});
  const Value odd = Value::f64_bits(0xfff4'0000'0000'1234); // negative, signalling, with a payload
  constexpr uint64_t kCanonical = 0x7ff8'0000'0000'0000;
  CHECK(program.value("add", {odd}) == kCanonical);
  CHECK(program.value("zero", {Value::f64_bits(0)}) == kCanonical);
  CHECK(program.value("min", {odd}) == kCanonical);
  CHECK(program.value("sqrt", {odd}) == kCanonical);
  CHECK(program.value("demote", {odd}) == 0x7fc0'0000);
  CHECK(program.value("neg", {odd}) == 0x7ff4'0000'0000'1234); // moves bits, computes nothing
}

TEST_CASE("a tail call between a million frames needs one") {
  Program program(R"((module (type $t (func (param i32 i64) (result i64))) (table funcref (elem $f))
    (func $f (export "f") (type $t)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2)) (i32.const 0)))))");
  CHECK(program.value("f", {Value::i32(1'000'000), Value::i64(0)}) == 2'000'000);
}

TEST_CASE("what the compiler does not implement is refused by name") {
  Engine engine;
  const auto refusal = [&](const char* wat) {
    const auto module = compile(engine, wat);
    REQUIRE_FALSE(module.has_value());
    CHECK(module.error().kind == ErrorKind::unsupported);
    return module.error().message;
  };
  CHECK(refusal("(module (memory 1 1 shared) (func (result i32) (i32.atomic.load (i32.const 0))))")
            .find("i32.atomic.load") != std::string::npos);
  CHECK(refusal("(module (tag) (func (throw 0)))").find("throw") != std::string::npos);
  CHECK(refusal("(module (type $s (struct)) (func (drop (struct.new $s))))").find("struct.new") != std::string::npos);
}

} // namespace
