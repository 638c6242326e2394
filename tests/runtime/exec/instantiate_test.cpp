// Linking and instantiation: what is shared, what is refused and why, what a failure leaves behind.
#include "tests/runtime/exec/guest.hpp"

using namespace runtime;
using namespace runtime::testing;

TEST_CASE("every missing import is named at once") {
  Guest guest;
  const auto result = guest.try_add(
      R"((module (import "env" "a" (func)) (import "env" "b" (memory 1)) (import "x" "c" (global i32))))");
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::unlinkable);
  CHECK(result.error().message == "unknown import: \"env\" \"a\", \"env\" \"b\", \"x\" \"c\"");
}

TEST_CASE("an import of another type is refused with both types") {
  Guest guest;
  guest.add(R"((module
    (func (export "func") (param i32)) (table (export "table") 10 20 funcref) (memory (export "memory") 1 2)
    (global (export "global") i32 (i32.const 1)) (global (export "mut") (mut i64) (i64.const 1))))",
            "lib");
  const auto refusal = [&](const std::string& import) {
    const auto result = guest.try_add("(module (import \"lib\" " + import + "))", "user");
    INFO(import);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::unlinkable);
    return result.error().message;
  };
  const auto accepts = [&](const std::string& import) {
    const auto result = guest.try_add("(module (import \"lib\" " + import + "))", "user");
    return result ? std::string("yes") : result.error().describe();
  };
  const std::string prefix = "incompatible import type: \"lib\" ";
  CHECK(refusal("\"func\" (func (param i64))") ==
        prefix + "\"func\" is (func (param i32)) but the module imports (func (param i64))");
  CHECK(refusal("\"func\" (memory 1)") == prefix + "\"func\" is a function but the module imports a memory");
  CHECK(refusal("\"table\" (table 11 funcref)") ==
        prefix + "\"table\" is (table 10 20 funcref) but the module imports (table 11 funcref)");
  CHECK(refusal("\"table\" (table 10 19 funcref)").starts_with(prefix));
  CHECK(refusal("\"table\" (table 10 externref)").starts_with(prefix));
  CHECK(refusal("\"memory\" (memory 2)") == prefix + "\"memory\" is (memory 1 2) but the module imports (memory 2)");
  CHECK(refusal("\"memory\" (memory 1 1)").starts_with(prefix));
  CHECK(refusal("\"global\" (global (mut i32))") ==
        prefix + "\"global\" is (global i32) but the module imports (global (mut i32))");
  CHECK(refusal("\"mut\" (global i64)").starts_with(prefix));
  CHECK(refusal("\"global\" (global i64)").starts_with(prefix));
  CHECK(accepts("\"func\" (func (param i32))") == "yes");
  CHECK(accepts("\"table\" (table 5 funcref)") == "yes");
  CHECK(accepts("\"table\" (table 10 20 funcref)") == "yes");
  CHECK(accepts("\"memory\" (memory 0 2)") == "yes");
  CHECK(accepts("\"mut\" (global (mut i64))") == "yes");
}

TEST_CASE("a memory that has grown satisfies a larger minimum") {
  Guest guest;
  Instance& provider = guest.add(R"((module (memory (export "memory") 1 5)))", "lib");
  CHECK_FALSE(guest.try_add(R"((module (import "lib" "memory" (memory 3))))", "user").has_value());
  REQUIRE(guest.exported<Memory>("memory", &provider)->grow(2).has_value());
  CHECK(guest.try_add(R"((module (import "lib" "memory" (memory 3))))", "user").has_value());
}

TEST_CASE("instances share what one exports and another imports") {
  Guest guest;
  guest.add(R"((module (memory (export "memory") 1) (table (export "table") 2 funcref)
    (global (export "global") (mut i32) (i32.const 5))
    (func (export "read") (result i32) (i32.load (i32.const 4)))
    (func (export "call") (result i32) (call_indirect (result i32) (i32.const 1)))))",
            "lib");
  guest.add(R"((module (import "lib" "memory" (memory 1)) (import "lib" "table" (table 2 funcref))
    (import "lib" "global" (global $g (mut i32))) (import "lib" "read" (func $read (result i32)))
    (func $nine (result i32) (global.get $g))
    (elem (i32.const 1) func $nine)
    (data (i32.const 4) "\2a\00\00\00")
    (func (export "read") (result i32) (call $read))
    (func (export "set") (param i32) (global.set $g (local.get 0)))))",
            "user");
  CHECK(guest.result("read") == 42);
  guest.results("set", {Value::i32(77)});
  guest.add(
      R"((module (import "lib" "call" (func $call (result i32))) (func (export "call") (result i32) (call $call))))",
      "third");
  CHECK(guest.result("call") == 77);
}

TEST_CASE("an import that is exported again is the same object") {
  Guest guest;
  Instance& provider = guest.add(
      R"((module (memory (export "m") 1) (func (export "f")) (global (export "g") i32 (i32.const 1))))", "lib");
  Instance& user =
      guest.add(R"((module (import "lib" "m" (memory 1)) (import "lib" "f" (func $f)) (import "lib" "g" (global i32))
    (export "m2" (memory 0)) (export "f2" (func $f)) (export "g2" (global 0))))",
                "user");
  CHECK(provider.find_export("m") == user.find_export("m2"));
  CHECK(provider.find_export("f") == user.find_export("f2"));
  CHECK(provider.find_export("g") == user.find_export("g2"));
  CHECK_FALSE(user.find_export("nothing").has_value());
}

TEST_CASE("constant expressions see imported globals and functions") {
  Guest guest;
  guest.linker.define("env", "base", guest.store.new_global({i32, false}, Value::i32(100)));
  guest.add(R"((module (import "env" "base" (global $base i32))
    (memory (export "memory") 1)
    (global $sum (export "sum") i32 (i32.add (global.get $base) (i32.mul (i32.const 3) (i32.const -1))))
    (global (export "f") funcref (ref.func $f))
    (func $f (result i32) (i32.const 6))
    (data (global.get $base) "x")
    (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0)))))");
  CHECK(guest.exported<Global>("sum")->get().bits[0] == 97);
  CHECK(guest.result("at", {Value::i32(100)}) == 'x');
  Func* function = guest.store.func(guest.exported<Global>("f")->get()).value();
  CHECK(guest.store.call(*function, {}).value().at(0).bits[0] == 6);
}

TEST_CASE("an active segment beyond the end fails, and what came before it stays written") {
  Guest guest;
  Instance& lib = guest.add(R"((module (memory (export "memory") 1) (table (export "table") 4 funcref)
    (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))))",
                            "lib");
  const auto data = guest.try_add(
      R"((module (import "lib" "memory" (memory 1)) (data (i32.const 0) "ok") (data (i32.const 65535) "no")))", "user");
  REQUIRE_FALSE(data.has_value());
  CHECK(data.error().kind == ErrorKind::trap);
  CHECK(data.error().message == "out of bounds memory access: data segment 1 of 2 bytes at 65535");
  CHECK(guest.exported<Memory>("memory", &lib)->bytes()[1] == std::byte{'k'});
  const auto elements = guest.try_add(R"((module (import "lib" "table" (table 1 funcref))
    (func $three (result i32) (i32.const 3)) (elem (i32.const 2) func $three) (elem (i32.const 4) func $three)))",
                                      "user");
  REQUIRE_FALSE(elements.has_value());
  CHECK(elements.error().trap == TrapCode::table_out_of_bounds);
  guest.last = &lib;
  CHECK(guest.result("call", {Value::i32(2)}) == 3); // the failed instance's function lives on in the table
}

TEST_CASE("a start function runs once, and its trap is instantiation's") {
  Guest guest;
  guest.add(R"((module (global $n (export "n") (mut i32) (i32.const 0))
    (func $start (global.set $n (i32.add (global.get $n) (i32.const 1)))) (start $start)))");
  CHECK(guest.exported<Global>("n")->get().bits[0] == 1);
  const auto trapped = guest.try_add("(module (func $start unreachable) (start $start))", "bad");
  REQUIRE_FALSE(trapped.has_value());
  CHECK(trapped.error().trap == TrapCode::unreachable);
  CHECK(frames(trapped.error()) == "start@bad");
}

TEST_CASE("a table's initial element is what its initialiser says") {
  Guest guest;
  guest.add(R"((module (table 3 funcref (ref.func $f)) (func $f (result i32) (i32.const 8))
    (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))))");
  CHECK(guest.result("call", {Value::i32(2)}) == 8);
}

TEST_CASE("a bad module is refused with the stage and the byte") {
  Engine engine;
  auto wasm = parse_wat("(module (func (result i32) (i32.const 1)))").value();
  auto truncated = wasm;
  truncated.resize(truncated.size() - 3);
  const auto malformed = Module::compile(engine, truncated);
  REQUIRE_FALSE(malformed.has_value());
  CHECK(malformed.error().kind == ErrorKind::malformed);
  const auto invalid = Module::validate(engine, parse_wat("(module (func (result i32) (i64.const 1)))").value());
  REQUIRE_FALSE(invalid.has_value());
  CHECK(invalid.error().kind == ErrorKind::invalid);
  CHECK(Module::validate(engine, wasm).has_value());
}

TEST_CASE("a module of another engine, and too few imports, are refused") {
  Guest guest;
  Engine other;
  CHECK(guest.store.instantiate(compile(other, "(module)"), {}).error().kind == ErrorKind::unlinkable);
  CHECK(guest.store.instantiate(compile(guest.engine, R"((module (import "a" "b" (func))))"), {}).error().message ==
        "unknown import: the module has 1 imports, 0 are given");
}
