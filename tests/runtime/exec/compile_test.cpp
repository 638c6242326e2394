// Modules compile beside each other in one Engine.
#include "runtime/engine.hpp"
#include "runtime/text/text.hpp"
#include <atomic>
#include <chrono>
#include <thread>

#include <new>

#include <catch2/catch.hpp>

using namespace runtime;

namespace {

// A module of its own types: functions of `parameters` parameters, one calling the next by reference.
std::vector<std::byte> module_of(uint32_t parameters, uint32_t functions) {
  std::string list, arguments;
  for (uint32_t i = 0; i < parameters; ++i) {
    list += i % 2 == 0 ? " i32" : " i64";
    arguments += " (local.get " + std::to_string(i) + ")";
  }
  std::string text = "(module (type $t (func (param" + list + ") (result i32)))";
  text += "(func $f0 (type $t) (i32.const " + std::to_string(parameters) + "))";
  for (uint32_t i = 1; i < functions; ++i) {
    const std::string before = "$f" + std::to_string(i - 1);
    text += "(elem declare func " + before + ") (func $f" + std::to_string(i) + " (type $t) (call_ref $t" + arguments +
            " (ref.func " + before + ")))";
  }
  text += "(func (export \"last\") (type $t) (call $f" + std::to_string(functions - 1) + arguments + "))";
  text += "(func (export \"sum\") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1))))";
  return parse_wat(text).value();
}

TEST_CASE("threads that compile in one engine get the same types and code that works") {
  constexpr uint32_t kThreads = 4, kModules = 24;
  std::vector<std::vector<std::byte>> bytes;
  for (uint32_t i = 0; i < kModules; ++i) bytes.push_back(module_of(i + 1, 20));
  Engine engine;
  std::shared_ptr<const Module> modules[kThreads][kModules];
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < kModules; ++i) {
        const uint32_t which = (i + 5 * t) % kModules; // each in another order
        if (auto module = Module::compile(engine, bytes[which])) modules[t][which] = *module;
      }
    });
  for (std::thread& thread : threads) thread.join();
  Store store(engine);
  for (uint32_t i = 0; i < kModules; ++i) {
    TypeId type{};
    for (uint32_t t = 0; t < kThreads; ++t) {
      REQUIRE(modules[t][i] != nullptr);
      Instance* instance = store.instantiate(modules[t][i], {}).value();
      Func* last = std::get<Func*>(*instance->find_export("last"));
      if (t == 0) type = last->type();
      CHECK(last->type() == type);
      std::vector<Value> arguments;
      for (uint32_t p = 0; p <= i; ++p) arguments.push_back(p % 2 == 0 ? Value::i32(p) : Value::i64(p));
      CHECK(store.call(*last, arguments).value().at(0).bits[0] == i + 1);
    }
  }
}

// A tier that goes on only when two compilations are inside of it.
std::atomic<int> inside = 0;

Result<CompiledCode> meet(const DecodedModule& module, const TypeRegistry& types, const CompileOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (++inside; inside < 2;) {
    if (std::chrono::steady_clock::now() > deadline)
      return std::unexpected(Error{.kind = ErrorKind::resource, .message = "nobody else compiles"});
    std::this_thread::yield();
  }
  return baseline_tier().compile(module, types, options);
}

TEST_CASE("a compilation in progress holds up no other one, no validation and no host function") {
  static constexpr Tier kMeeting = {.name = "meeting", .compile = meet};
  inside = 0;
  Engine engine({.compile = {}, .tier = &kMeeting});
  Result<std::shared_ptr<const Module>> first = nullptr, second = nullptr;
  std::thread thread([&] { first = Module::compile(engine, module_of(3, 2)); });
  while (inside == 0) std::this_thread::yield();
  CHECK(Module::validate(engine, module_of(4, 2)).has_value());
  Store store(engine);
  CHECK(store.host_function({{ValKind::f64}, {ValKind::f32}}, nullptr) != nullptr);
  second = Module::compile(engine, module_of(5, 2));
  thread.join();
  CHECK((first.has_value() && second.has_value()));
}

} // namespace
