// A store with modules from text, for tests: instantiates, calls by name, fails the test with the engine's message.
#pragma once
#include "runtime/engine.hpp"
#include "runtime/text/text.hpp"
#include <new>

#include <catch2/catch.hpp>

namespace runtime::testing {

inline std::shared_ptr<const Module> compile(Engine& engine, std::string_view wat, std::string name = {}) {
  Result<std::vector<std::byte>> wasm = parse_wat(wat);
  INFO(wat);
  if (!wasm) FAIL(wasm.error().describe());
  Result<std::shared_ptr<const Module>> module = Module::compile(engine, std::move(*wasm), std::move(name));
  if (!module) FAIL(module.error().describe());
  return *module;
}

struct Guest {
  explicit Guest(StoreOptions options = {}, EngineOptions engine_options = {})
      : engine(engine_options), store(engine, options) {}
  Engine engine;
  Store store;
  Linker linker;

  // Adds the instance to the linker under its name.
  Instance& add(std::string_view wat, const std::string& name = "guest") {
    Result<Instance*> instance = try_add(wat, name);
    if (!instance) FAIL(instance.error().describe());
    return **instance;
  }
  Result<Instance*> try_add(std::string_view wat, const std::string& name = "guest") {
    const auto module = compile(engine, wat, name);
    auto imports = linker.resolve(*module);
    if (!imports) return std::unexpected(imports.error());
    Result<Instance*> instance = store.instantiate(module, *imports, name);
    if (instance) {
      linker.define_instance(name, **instance);
      last = *instance;
    }
    return instance;
  }
  template <class T> T* exported(const char* name, Instance* of = nullptr) {
    const std::optional<Extern> found = (of != nullptr ? of : last)->find_export(name);
    INFO(name);
    REQUIRE(found.has_value());
    REQUIRE(std::holds_alternative<T*>(*found));
    return std::get<T*>(*found);
  }
  Result<std::vector<Value>> call(const char* name, std::vector<Value> arguments = {}) {
    return store.call(*exported<Func>(name), arguments);
  }
  std::vector<Value> results(const char* name, std::vector<Value> arguments = {}) {
    Result<std::vector<Value>> got = call(name, std::move(arguments));
    if (!got) FAIL(got.error().describe());
    return *got;
  }
  uint64_t result(const char* name, std::vector<Value> arguments = {}) {
    const std::vector<Value> got = results(name, std::move(arguments));
    REQUIRE(got.size() == 1);
    return got[0].bits[0];
  }
  Error error(const char* name, std::vector<Value> arguments = {}) {
    const Result<std::vector<Value>> got = call(name, std::move(arguments));
    INFO(name);
    REQUIRE_FALSE(got.has_value());
    return got.error();
  }
  void host(const char* module, const char* name, const FuncType& type, HostFunction function) {
    linker.define(module, name, store.host_function(type, std::move(function)));
  }
  Instance* last = nullptr;
};

inline const ValType i32{ValKind::i32}, i64{ValKind::i64}, f32{ValKind::f32}, f64{ValKind::f64};

// «inner@guest < outer@guest»
inline std::string frames(const Error& error) {
  std::string text;
  for (const Frame& frame : error.backtrace) text += (text.empty() ? "" : " < ") + frame.function + "@" + frame.module;
  return text;
}

} // namespace runtime::testing
