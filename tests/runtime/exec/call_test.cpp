// Calls between the host and guests, in both directions.
#include "tests/runtime/exec/guest.hpp"

using namespace runtime;
using namespace runtime::testing;

TEST_CASE("parameters and results of every numeric type cross the border unchanged") {
  Guest guest;
  guest.add(R"((module (func (export "f") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    local.get 3 local.get 2 local.get 1 local.get 0)))");
  const auto results = guest.results("f", {Value::i32(0xffff'fff0), Value::i64(~uint64_t{1}),
                                           Value::f32_bits(0x7fa0'0001), Value::f64_bits(0x8000'0000'0000'0000)});
  REQUIRE(results.size() == 4);
  CHECK(results[0].bits[0] == 0x8000'0000'0000'0000);
  CHECK(results[1].bits[0] == 0x7fa0'0001); // a signalling NaN stays one
  CHECK(results[2].bits[0] == ~uint64_t{1});
  CHECK(results[3].bits[0] == 0xffff'fff0);
  CHECK(results[3].type == i32);
}

TEST_CASE("forty parameters and results of mixed types arrive in order") {
  std::string params, gets, results;
  std::vector<Value> arguments;
  for (int i = 0; i < 40; ++i) {
    params += i % 3 == 0 ? " i64" : i % 3 == 1 ? " f64" : " i32";
    gets = " local.get " + std::to_string(i) + gets;
    arguments.push_back(i % 3 == 0   ? Value::i64(1000 + i)
                        : i % 3 == 1 ? Value::f64_bits(2000 + i)
                                     : Value::i32(3000 + i));
  }
  for (int i = 39; i >= 0; --i) results += i % 3 == 0 ? " i64" : i % 3 == 1 ? " f64" : " i32";
  Guest guest;
  guest.add("(module (func $f (param" + params + ") (result" + results + ")" + gets + ") (func (export \"f\") (param" +
            params + ") (result" + results + ") " +
            [&] {
              std::string in_order;
              for (int i = 0; i < 40; ++i) in_order += " local.get " + std::to_string(i);
              return in_order;
            }() +
            " call $f))");
  const auto got = guest.results("f", arguments);
  REQUIRE(got.size() == 40);
  for (size_t i = 0; i < 40; ++i) CHECK(got[i].bits[0] == arguments[39 - i].bits[0]);
}

TEST_CASE("arguments of a wrong number or type are refused before the guest runs") {
  Guest guest;
  guest.add(R"((module (global $ran (export "ran") (mut i32) (i32.const 0))
    (func (export "f") (param i32 funcref) (global.set $ran (i32.const 1)))))");
  CHECK(guest.error("f").message == "the function takes 2 arguments, 0 are given");
  CHECK(guest.error("f", {Value::i64(1), Value::null(ValType::funcref())}).message ==
        "argument 1 must be i32 but is i64");
  CHECK(guest.error("f", {Value::i32(1), Value::externref(5)}).kind == ErrorKind::invalid);
  CHECK(guest.exported<Global>("ran")->get().bits[0] == 0);
}

TEST_CASE("a host function sees its arguments and its caller, and gives results") {
  Guest guest;
  Instance* seen = nullptr;
  guest.host("env", "mix", {{i32, f64, i64}, {i64, i32}}, [&](HostCall& call) -> Result<void> {
    seen = call.caller;
    const auto first = static_cast<uint32_t>(call.values[0]);
    const uint64_t second = call.values[1], third = call.values[2];
    call.values[0] = third + first;
    call.values[1] = second >> 60;
    return {};
  });
  Instance& instance = guest.add(R"((module (import "env" "mix" (func $mix (param i32 f64 i64) (result i64 i32)))
    (func (export "f") (result i64 i32) (call $mix (i32.const 40) (f64.const -0) (i64.const 2)))))");
  const auto results = guest.results("f");
  CHECK(results[0].bits[0] == 42);
  CHECK(results[1].bits[0] == 8);
  CHECK(seen == &instance);
}

TEST_CASE("a host function that the host calls has no caller") {
  Guest guest;
  bool called = false;
  Func* function = guest.store.host_function({{i32}, {i32}}, [&](HostCall& call) -> Result<void> {
    called = true;
    CHECK(call.caller == nullptr);
    CHECK_FALSE(call.memory().has_value());
    call.values[0] += 1;
    return {};
  });
  const auto results = guest.store.call(*function, std::vector{Value::i32(4)});
  REQUIRE(results.has_value());
  CHECK(called);
  CHECK(results->at(0).bits[0] == 5);
}

TEST_CASE("host and guest call each other forty deep") {
  Guest guest;
  guest.host("env", "again", {{i32}, {i32}}, [&](HostCall& call) -> Result<void> {
    if (static_cast<uint32_t>(call.values[0]) == 0) return {};
    const auto inner = guest.call("f", {Value::i32(static_cast<uint32_t>(call.values[0]) - 1)});
    if (!inner) return std::unexpected(inner.error());
    call.values[0] = inner->at(0).bits[0] + 1;
    return {};
  });
  guest.add(R"((module (import "env" "again" (func $again (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (i32.add (i32.const 100) (call $again (local.get 0))))))");
  CHECK(guest.result("f", {Value::i32(39)}) == 100 * 40 + 39);
}

TEST_CASE("an error that a host function returns is what the call returns, with the guest's frames") {
  Guest guest;
  guest.host("env", "fail", {{}, {}}, [](HostCall&) -> Result<void> {
    return std::unexpected(Error{.kind = ErrorKind::trap, .message = "the disk is on fire"});
  });
  guest.add(
      R"((module (import "env" "fail" (func $fail)) (func $work (call $fail)) (func (export "f") (call $work))))");
  const Error error = guest.error("f");
  CHECK(error.kind == ErrorKind::trap);
  CHECK(error.trap == TrapCode::host);
  CHECK(error.message == "the disk is on fire");
  CHECK(frames(error) == "work@guest < f@guest");
}

TEST_CASE("an exit passes through nested calls and keeps its status") {
  Guest guest;
  guest.host("env", "exit", {{i32}, {}}, [](HostCall& call) -> Result<void> {
    return std::unexpected(
        Error{.kind = ErrorKind::exit, .message = "bye", .exit_status = static_cast<uint32_t>(call.values[0])});
  });
  guest.host("env", "nest", {{}, {}}, [&](HostCall&) -> Result<void> {
    auto inner = guest.call("inner");
    if (!inner) return std::unexpected(inner.error());
    return {};
  });
  guest.add(R"((module (import "env" "exit" (func $exit (param i32))) (import "env" "nest" (func $nest))
    (func (export "inner") (call $exit (i32.const 7)))
    (func (export "f") (call $nest) (unreachable))))");
  const Error error = guest.error("f");
  CHECK(error.kind == ErrorKind::exit);
  CHECK(error.exit_status == 7);
}

TEST_CASE("a host function can survive the trap of a guest that it calls") {
  Guest guest;
  guest.host("env", "try", {{}, {i32}}, [&](HostCall& call) -> Result<void> {
    call.values[0] = guest.error("bad").trap == TrapCode::unreachable ? 1 : 0;
    return {};
  });
  guest.add(R"((module (import "env" "try" (func $try (result i32)))
    (func (export "bad") unreachable)
    (func (export "f") (result i32) (i32.add (i32.const 10) (call $try)))))");
  CHECK(guest.result("f") == 11);
  CHECK(guest.error("bad").trap == TrapCode::unreachable);
}

TEST_CASE("a funcref that a guest returns can be called") {
  Guest guest;
  guest.add(R"((module (func $seven (result i32) (i32.const 7)) (elem declare func $seven)
    (func (export "get") (result funcref) (ref.func $seven))
    (func (export "null") (result funcref) (ref.null func))))");
  const Value reference = guest.results("get").at(0);
  REQUIRE_FALSE(reference.is_null());
  Func* function = guest.store.func(reference).value();
  CHECK(guest.store.call(*function, {}).value().at(0).bits[0] == 7);
  const Value null = guest.results("null").at(0);
  CHECK(null.is_null());
  CHECK(guest.store.func(null).error().kind == ErrorKind::invalid);
  CHECK(guest.store.func(Value::externref(1)).error().kind == ErrorKind::invalid);
}

TEST_CASE("a function is one Func, however the host comes by it") {
  Guest guest;
  Func* host = guest.store.host_function({{}, {i32}}, [](HostCall& call) -> Result<void> {
    call.values[0] = 8;
    return {};
  });
  guest.linker.define("env", "host", host);
  guest.add(R"((module (func (export "f") (result i32) (i32.const 7))))", "lib");
  Func* f = guest.exported<Func>("f");
  guest.add(R"((module (import "env" "host" (func $host (result i32))) (import "lib" "f" (func $f (result i32)))
    (elem declare func $host $f) (table $t (export "t") 2 funcref)
    (func (export "host") (result funcref) (ref.func $host)) (func (export "f") (result funcref) (ref.func $f))
    (func (export "call") (param (ref null func) i32) (result i32)
      (table.set $t (i32.const 0) (local.get 0)) (call_indirect $t (result i32) (i32.const 0)))))");
  CHECK(guest.store.func(guest.results("host").at(0)).value() == host);
  CHECK(guest.store.func(guest.results("f").at(0)).value() == f);
  CHECK(guest.store.func(Value::func(*f)).value() == f);
  CHECK(guest.result("call", {Value::func(*host), Value::i32(0)}) == 8);
  REQUIRE(guest.exported<Table>("t")->set(1, Value::func(*f)).has_value());
  CHECK(guest.store.func(guest.exported<Table>("t")->get(1).value()).value() == f);
}

TEST_CASE("a funcref of another store is refused where it would enter") {
  Guest guest;
  guest.add(R"((module (table (export "t") 1 funcref) (func (export "f") (param funcref))))");
  Store other(guest.engine);
  const Value foreign = Value::func(*other.host_function({{}, {}}, [](HostCall&) { return Result<void>(); }));
  CHECK(guest.error("f", {foreign}).message == "the function belongs to another store");
  CHECK(guest.exported<Table>("t")->set(0, foreign).error().kind == ErrorKind::invalid);
  CHECK(guest.store.func(foreign).error().kind == ErrorKind::invalid);
}

TEST_CASE("an externref comes back as the host gave it") {
  Guest guest;
  guest.add(R"((module (table $t 1 externref)
    (func (export "f") (param externref) (result externref)
      (table.set $t (i32.const 0) (local.get 0)) (table.get $t (i32.const 0)))))");
  CHECK(guest.result("f", {Value::externref(0x1234'5678'9abc)}) == 0x1234'5678'9abc);
  CHECK(guest.result("f", {Value::null(ValType::externref())}) == 0);
}

TEST_CASE("a function of another store is refused") {
  Guest guest;
  guest.add(R"((module (func (export "f"))))");
  Store other(guest.engine);
  const auto result = other.call(*guest.exported<Func>("f"), {});
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message == "the function belongs to another store");
}

TEST_CASE("two stores of one engine run in each other's host functions") {
  Guest outer;
  Store inner_store(outer.engine);
  const auto module = compile(outer.engine, R"((module (func (export "f") (param i32) (result i32)
    (i32.div_u (i32.const 100) (local.get 0)))))");
  Instance* inner = inner_store.instantiate(module, {}).value();
  Func* divide = std::get<Func*>(*inner->find_export("f"));
  outer.host("env", "divide", {{i32}, {i32}}, [&](HostCall& call) -> Result<void> {
    const auto result = inner_store.call(*divide, std::vector{Value::i32(static_cast<uint32_t>(call.values[0]))});
    call.values[0] = result ? result->at(0).bits[0] : 999;
    return {};
  });
  outer.add(R"((module (import "env" "divide" (func $divide (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (call $divide (local.get 0)))
    (func (export "trap") (param i32) (drop (call $divide (local.get 0))) unreachable)))");
  CHECK(outer.result("f", {Value::i32(5)}) == 20);
  CHECK(outer.result("f", {Value::i32(0)}) == 999);
  CHECK(outer.error("trap", {Value::i32(0)}).trap == TrapCode::unreachable); // found in the outer store
}
