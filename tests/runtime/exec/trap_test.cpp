// Every trap: its code, its text, its backtrace, and a store that goes on working.
#include "tests/runtime/exec/guest.hpp"

#include <thread>

using namespace runtime;
using namespace runtime::testing;

TEST_CASE("every trap has its code and the suites' message") {
  Guest guest;
  guest.add(R"((module
    (type $none (func)) (type $other (func (param i32)))
    (memory 1) (table 3 funcref) (elem (i32.const 0) func $f) (elem $passive func $f)
    (func $f)
    (func (export "unreachable") unreachable)
    (func (export "load") (drop (i32.load (i32.const 65533))))
    (func (export "store") (i64.store offset=65535 (i32.const 0) (i64.const 0)))
    (func (export "fill") (memory.fill (i32.const 65536) (i32.const 0) (i32.const 1)))
    (func (export "table.get") (drop (table.get 0 (i32.const 3))))
    (func (export "table.init") (table.init $passive (i32.const 0) (i32.const 1) (i32.const 1)))
    (func (export "null call") (call_indirect (type $none) (i32.const 1)))
    (func (export "far call") (call_indirect (type $none) (i32.const 3)))
    (func (export "type") (call_indirect (type $other) (i32.const 1) (i32.const 0)))
    (func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
    (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "convert") (drop (i32.trunc_f64_s (f64.const nan))))
    (func (export "range") (drop (i32.trunc_f32_u (f32.const 1e20))))
    (func $deep (export "deep") (call $deep))))");
  const auto trap = [&](const char* name) { return std::pair(guest.error(name).trap, guest.error(name).message); };
  using P = std::pair<TrapCode, std::string>;
  CHECK(trap("unreachable") == P(TrapCode::unreachable, "unreachable"));
  CHECK(trap("load") ==
        P(TrapCode::memory_out_of_bounds, "out of bounds memory access: byte 65536 of a memory of 65536 bytes"));
  CHECK(trap("store").first == TrapCode::memory_out_of_bounds);
  CHECK(trap("fill") == P(TrapCode::memory_out_of_bounds, "out of bounds memory access"));
  CHECK(trap("table.get") == P(TrapCode::table_out_of_bounds, "out of bounds table access"));
  CHECK(trap("table.init") == P(TrapCode::table_out_of_bounds, "out of bounds table access"));
  CHECK(trap("null call") == P(TrapCode::uninitialized_element, "uninitialized element"));
  CHECK(trap("far call") == P(TrapCode::undefined_element, "undefined element"));
  CHECK(trap("type") == P(TrapCode::indirect_call_type_mismatch, "indirect call type mismatch"));
  CHECK(trap("divide") == P(TrapCode::integer_divide_by_zero, "integer divide by zero"));
  CHECK(trap("remainder") == P(TrapCode::integer_divide_by_zero, "integer divide by zero"));
  CHECK(trap("overflow") == P(TrapCode::integer_overflow, "integer overflow"));
  CHECK(trap("convert") == P(TrapCode::invalid_conversion_to_integer, "invalid conversion to integer"));
  CHECK(trap("range") == P(TrapCode::integer_overflow, "integer overflow"));
  CHECK(trap("deep") == P(TrapCode::stack_exhausted, "call stack exhausted"));
}

TEST_CASE("the last byte a 32-bit index and offset can name faults like the first beyond the end") {
  Guest guest;
  guest.add(R"((module (memory 1)
    (func (export "load8") (param i32) (result i32) (i32.load8_u offset=0xffffffff (local.get 0)))
    (func (export "load64") (param i32) (result i64) (i64.load offset=0xffffffff (local.get 0)))
    (func (export "store64") (param i32) (i64.store offset=0xffffffff (local.get 0) (i64.const 1)))
    (func (export "plain") (param i32) (result i32) (i32.load8_u (local.get 0)))))");
  for (const char* name : {"load8", "load64", "store64", "plain"})
    for (const uint32_t index : {0xffff'ffffu, 0x8000'0000u, 65536u})
      CHECK(guest.error(name, {Value::i32(index)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.error("load8", {Value::i32(0xffff'ffff)}).message ==
        "out of bounds memory access: byte 8589934590 of a memory of 65536 bytes");
  CHECK(guest.result("plain", {Value::i32(65535)}) == 0);
}

TEST_CASE("a dropped load beyond the end still traps") {
  Guest guest;
  guest.add(R"((module (memory 1) (func (export "f") (drop (i64.load (i32.const -8))))))");
  CHECK(guest.error("f").trap == TrapCode::memory_out_of_bounds);
}

TEST_CASE("a trap's backtrace names module, function, index and place of every frame") {
  Guest guest;
  guest.add(R"((module $math
    (func $divide (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
    (func $middle (param i32) (result i32) (call $divide (i32.const 1) (local.get 0)))
    (func (export "outer") (result i32) (call $middle (i32.const 0)))))",
            "");
  const Error error = guest.error("outer");
  REQUIRE(error.backtrace.size() == 3);
  CHECK(frames(error) == "divide@math < middle@math < outer@math");
  CHECK(error.backtrace[0].function_index == 0);
  CHECK(error.backtrace[1].function_index == 1);
  CHECK(error.backtrace[2].function_index == 2);
  // Offsets point at the opcodes: div_u is 0x6e, call 0x10.
  const auto& bytes = guest.last->module().decoded().bytes;
  CHECK(bytes[error.backtrace[0].wasm_offset] == std::byte{0x6e});
  CHECK(bytes[error.backtrace[1].wasm_offset] == std::byte{0x10});
  CHECK(bytes[error.backtrace[2].wasm_offset] == std::byte{0x10});
}

TEST_CASE("a backtrace crosses instances and indirect calls") {
  Guest guest;
  guest.add(R"((module (func (export "fail") (param i32) unreachable)))", "provider");
  guest.add(R"((module (import "provider" "fail" (func $fail (param i32)))
    (table 1 funcref) (elem (i32.const 0) func $fail)
    (type $t (func (param i32)))
    (func $direct (call $fail (i32.const 1)))
    (func $indirect (call_indirect (type $t) (i32.const 1) (i32.const 0)))
    (func (export "direct") (call $direct)) (func (export "indirect") (call $indirect))))",
            "consumer");
  CHECK(frames(guest.error("direct")) == "fail@provider < direct@consumer < direct@consumer");
  CHECK(frames(guest.error("indirect")) == "fail@provider < indirect@consumer < indirect@consumer");
}

TEST_CASE("a backtrace goes on through the host into the calls around it") {
  Guest guest;
  guest.host("env", "host", {{i32}, {}}, [&](HostCall&) -> Result<void> {
    auto inner = guest.call("inner");
    if (!inner) return std::unexpected(inner.error());
    return {};
  });
  guest.add(R"((module (import "env" "host" (func $host (param i32)))
    (func $bad unreachable)
    (func (export "inner") (call $bad))
    (func $caller (call $host (i32.const 0)))
    (func (export "outer") (call $caller))))");
  CHECK(frames(guest.error("outer")) == "bad@guest < inner@guest < caller@guest < outer@guest");
}

TEST_CASE("a stack overflow's backtrace is cut to the innermost frames") {
  Guest guest;
  guest.add(R"((module (func $deep (export "deep") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))))");
  const Error error = guest.error("deep", {Value::i32(0)});
  CHECK(error.trap == TrapCode::stack_exhausted);
  CHECK(error.backtrace.size() == 64);
  CHECK(error.backtrace[0].function == "deep");
}

TEST_CASE("a guest and a host function that call each other without end exhaust the stack, not the process") {
  Guest guest;
  guest.host("env", "again", {{}, {}}, [&](HostCall& call) -> Result<void> {
    auto inner = call.store.call_unchecked(*guest.exported<Func>("f"), {});
    if (!inner) return std::unexpected(inner.error());
    return {};
  });
  guest.add(R"((module (import "env" "again" (func $again)) (func (export "f") (call $again))))");
  CHECK(guest.error("f").trap == TrapCode::stack_exhausted);
  CHECK(guest.error("f").trap == TrapCode::stack_exhausted);
}

TEST_CASE("a guest on a thread with a small stack is stopped in time") {
  Guest guest;
  guest.add(R"((module (func $deep (export "deep") (param i64 i64 i64 i64) (result i64) (local i64 i64 i64 i64)
    (i64.add (local.get 0) (call $deep (local.get 3) (local.get 2) (local.get 1) (local.get 0))))))");
  Error error;
  std::thread([&] {
    error = guest.error("deep", {Value::i64(1), Value::i64(2), Value::i64(3), Value::i64(4)});
  }).join();
  CHECK(error.trap == TrapCode::stack_exhausted);
}

TEST_CASE("a store goes on after ten thousand traps") {
  Guest guest;
  guest.add(R"((module (memory 1) (func (export "f") (param i32) (result i32) (i32.load (local.get 0)))))");
  Func* function = guest.exported<Func>("f");
  uint64_t values[1];
  int traps = 0;
  for (int i = 0; i < 20'000; ++i) {
    values[0] = i % 2 == 0 ? 0x7fff'ffffu : 0u;
    if (!guest.store.call_unchecked(*function, values)) ++traps;
  }
  CHECK(traps == 10'000);
  CHECK(guest.result("f", {Value::i32(0)}) == 0);
}

TEST_CASE("traps on many threads at once do not meet") {
  Engine engine;
  const auto module = compile(engine, R"((module (memory 1)
    (func (export "f") (param i32) (result i32) (i32.load (local.get 0)))
    (func $deep (export "deep") (call $deep))))");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Store store(engine);
        Instance* instance = store.instantiate(module, {}).value();
        const auto bad = store.call(*std::get<Func*>(*instance->find_export("f")), std::vector{Value::i32(70'000)});
        const auto deep = store.call(*std::get<Func*>(*instance->find_export("deep")), {});
        if (bad || bad.error().trap != TrapCode::memory_out_of_bounds) ++wrong;
        if (deep || deep.error().trap != TrapCode::stack_exhausted) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
