// Linear memories and tables: growth, limits, bulk instructions, many of them.
#include "tests/runtime/exec/guest.hpp"

#include <algorithm>

using namespace runtime;
using namespace runtime::testing;

TEST_CASE("a memory grows to its maximum and not beyond, and what is new is zero") {
  Guest guest;
  guest.add(R"((module (memory (export "memory") 1 3)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 255)))))");
  CHECK(guest.result("grow", {Value::i32(3)}) == 0xffff'ffff);
  CHECK(guest.result("grow", {Value::i32(0)}) == 1);
  CHECK(guest.result("grow", {Value::i32(1)}) == 1);
  guest.results("store", {Value::i32(131'071)});
  CHECK(guest.error("load", {Value::i32(131'072)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.result("grow", {Value::i32(1)}) == 2);
  CHECK(guest.result("load", {Value::i32(131'072)}) == 0);
  CHECK(guest.result("load", {Value::i32(131'071)}) == 255);
  CHECK(guest.result("grow", {Value::i32(1)}) == 0xffff'ffff);
  CHECK(guest.result("grow", {Value::i32(0xffff'ffff)}) == 0xffff'ffff);
  CHECK(guest.result("size") == 3);
  CHECK(guest.exported<Memory>("memory")->bytes().size() == 3 * kWasmPageBytes);
}

TEST_CASE("a memory without maximum can have four gibibytes, the last byte included") {
  Guest guest;
  guest.add(R"((module (memory 0)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "last") (result i32) (i32.store8 (i32.const -1) (i32.const 9)) (i32.load8_u offset=0xffffffff (i32.const 0)))))");
  CHECK(guest.error("last").trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.result("grow", {Value::i32(65536)}) == 0);
  CHECK(guest.result("last") == 9);
  CHECK(guest.result("grow", {Value::i32(1)}) == 0xffff'ffff);
}

TEST_CASE("the host sees what the guest writes, and the guest what the host writes") {
  Guest guest;
  guest.add(R"((module (memory (export "memory") 1)
    (func (export "swap") (param i32) (result i32)
      (i32.load (i32.const 8)) (i32.store (i32.const 8) (local.get 0)))))");
  Memory* memory = guest.exported<Memory>("memory");
  memory->bytes()[8] = std::byte{42};
  CHECK(guest.result("swap", {Value::i32(0x0403'0201)}) == 42);
  CHECK(memory->bytes()[11] == std::byte{4});
  CHECK(memory->grow(2).value() == 1);
  CHECK(memory->bytes().size() == 3 * kWasmPageBytes);
}

TEST_CASE("a store's memory limit holds for all its memories together") {
  Guest guest({.memory_limit_bytes = 3 * kWasmPageBytes});
  guest.add(R"((module (memory 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))", "a");
  CHECK(guest.result("grow", {Value::i32(1)}) == 1);
  CHECK(guest.result("grow", {Value::i32(2)}) == 0xffff'ffff);
  const auto refused = guest.try_add("(module (memory 2))", "b");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::resource);
  CHECK(refused.error().message == "a memory of 2 pages is beyond the limit of 196608 bytes");
  guest.add("(module (memory 1))", "c");
  CHECK(guest.store.new_memory({{.min = 1}}).error().kind == ErrorKind::resource);
}

TEST_CASE("tables together stay under the store's limit") {
  Guest guest({.table_limit_elements = 100});
  guest.add(R"((module (table $t 60 funcref)
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))))",
            "a");
  CHECK(guest.result("grow", {Value::i32(41)}) == 0xffff'ffff);
  CHECK(guest.result("grow", {Value::i32(30)}) == 60);
  CHECK(guest.try_add("(module (table 11 funcref))", "b").error().kind == ErrorKind::resource);
  CHECK(guest.try_add("(module (table 10 funcref))", "c").has_value());
}

TEST_CASE("a thousand memories are created and destroyed three times over") {
  Engine engine;
  const auto module =
      compile(engine, R"((module (memory 1) (func (export "f") (i32.store (i32.const 0) (i32.const 7)))))");
  for (int round = 0; round < 3; ++round) {
    Store store(engine);
    for (int i = 0; i < 1000; ++i) {
      Result<Instance*> instance = store.instantiate(module, {});
      REQUIRE(instance.has_value());
      if (i % 100 == 0) REQUIRE(store.call(*std::get<Func*>(*(*instance)->find_export("f")), {}).has_value());
    }
  }
}

TEST_CASE("bulk instructions beyond the end write nothing") {
  Guest guest;
  guest.add(R"((module (memory (export "memory") 1) (data $d "abcdef")
    (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 0x1ff) (local.get 1)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop $d))))");
  const auto bytes = guest.exported<Memory>("memory")->bytes();
  const auto is_zero = [&] { return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }); };
  CHECK(guest.error("fill", {Value::i32(65'530), Value::i32(7)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.error("fill", {Value::i32(0), Value::i32(0xffff'ffff)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.error("fill", {Value::i32(0xffff'ffff), Value::i32(2)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(guest.error("init", {Value::i32(0), Value::i32(4), Value::i32(3)}).trap == TrapCode::memory_out_of_bounds);
  CHECK(is_zero());
  guest.results("init", {Value::i32(10), Value::i32(1), Value::i32(4)});
  guest.results("copy", {Value::i32(12), Value::i32(10), Value::i32(4)}); // overlapping
  CHECK(std::string_view(reinterpret_cast<const char*>(bytes.data()) + 10, 6) == "bcbcde");
  guest.results("fill", {Value::i32(65'536), Value::i32(0)}); // of nothing, at the end
  guest.results("drop");
  guest.results("init", {Value::i32(0), Value::i32(0), Value::i32(0)});
  CHECK(guest.error("init", {Value::i32(0), Value::i32(0), Value::i32(1)}).trap == TrapCode::memory_out_of_bounds);
}

TEST_CASE("a table grows, copies over itself and keeps its elements") {
  Guest guest;
  guest.add(R"((module (table $t (export "t") 2 8 externref)
    (func (export "grow") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))
    (func (export "copy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 externref i32) (table.fill $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "get") (param i32) (result externref) (table.get $t (local.get 0)))))");
  const auto cookie = [](uint64_t bits) { return Value::externref(bits); };
  Table* table = guest.exported<Table>("t");
  REQUIRE(table->set(1, cookie(11)).has_value());
  CHECK(guest.result("grow", {cookie(5), Value::i32(6)}) == 2);
  CHECK(guest.result("grow", {cookie(5), Value::i32(1)}) == 0xffff'ffff);
  guest.results("copy", {Value::i32(2), Value::i32(0), Value::i32(2)});
  guest.results("copy", {Value::i32(1), Value::i32(0), Value::i32(4)});
  std::vector<uint64_t> elements;
  for (uint32_t i = 0; i < 8; ++i) elements.push_back(guest.result("get", {Value::i32(i)}));
  CHECK(elements == std::vector<uint64_t>{0, 0, 11, 0, 11, 5, 5, 5});
  CHECK(guest.error("fill", {Value::i32(7), cookie(3), Value::i32(2)}).trap == TrapCode::table_out_of_bounds);
  CHECK(table->get(7)->bits[0] == 5);
  CHECK(table->get(8).error().trap == TrapCode::table_out_of_bounds);
  CHECK(table->set(0, Value{ValType::funcref(), {1, 0}}).error().kind == ErrorKind::invalid);
}
