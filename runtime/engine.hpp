// The engine's public face: compile a module, link it to others and to host functions, call it.
//
//   Engine   types and options; shared by everything below; outlives it
//   Module   validated and compiled code; immutable, shareable
//   Store    a set of instances that may reference each other, and the one guest thread that runs them
//   Instance, Func, Table, Memory, Global: owned by their Store; addresses stay valid until it is destroyed
//
// Thread-safety: Engine and Module may be used from any thread, and modules compile beside each other; a Store from one
// at a time, except Store::interrupt(), which any thread (or an interrupt handler) may call. Calls nest (wasm → host →
// wasm) on one stack; a scheduler may switch stacks inside a host function. Errors: ErrorKind in
// runtime/types/error.hpp. Nothing here throws, and host functions must not throw either: C++ exceptions cannot pass
// through generated code.
#pragma once
#include "runtime/binary/module.hpp"
#include "runtime/codegen/tier.hpp"
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace runtime {

class Func;

// A value on the border between host and guest. Of a reference the bits are the engine's own, but for an externref,
// which is the host's cookie; null is zero.
struct Value {
  ValType type;
  uint64_t bits[2] = {}; // low, high (v128); of 32-bit types the lower half of the low ones
  static Value i32(uint32_t v) { return {ValKind::i32, {v, 0}}; }
  static Value i64(uint64_t v) { return {ValKind::i64, {v, 0}}; }
  static Value f32_bits(uint32_t v) { return {ValKind::f32, {v, 0}}; }
  static Value f64_bits(uint64_t v) { return {ValKind::f64, {v, 0}}; }
  static Value null(ValType type) { return {type, {0, 0}}; } // of a nullable reference type
  static Value externref(uint64_t cookie) { return {ValType::externref(), {cookie, 0}}; } // not 0, which is null
  static Value func(const Func& func);                                                    // back: Store::func
  [[nodiscard]] bool is_null() const { return type.is_ref() && bits[0] == 0; }
};

struct EngineOptions {
  CompileOptions compile;
  const Tier* tier = &baseline_tier();
};

class Engine {
public:
  explicit Engine(EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  [[nodiscard]] TypeRegistry& types();
  [[nodiscard]] const EngineOptions& options() const;
  // Makes the trampolines of many types at once, in one piece of code memory; otherwise each is made when it is first
  // needed. Worth calling before defining many host functions.
  [[nodiscard]] Result<void> prepare_calls(std::span<const FuncType> types);
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

class Module {
public:
  // Decodes, validates, compiles. `name` is for messages and backtraces; the name section's wins where `name` is empty.
  [[nodiscard]] static Result<std::shared_ptr<const Module>> compile(Engine& engine, std::vector<std::byte> wasm,
                                                                     std::string name = {});
  // Decodes and validates only.
  [[nodiscard]] static Result<void> validate(Engine& engine, std::vector<std::byte> wasm);
  [[nodiscard]] const DecodedModule& decoded() const;
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::string function_name(uint32_t function_index) const; // name section, export, or "func[N]"
  ~Module();
  struct Impl;
  explicit Module(std::unique_ptr<Impl> impl);
  [[nodiscard]] const Impl& impl() const { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

class Store;
class Instance;

class Func { // one for each function that the host has met: equal functions have equal addresses
public:
  virtual ~Func() = default;
  [[nodiscard]] virtual TypeId type() const = 0;
};
class Table;
class Memory;
class Global;
struct Tag {
  TagType type;
};
using Extern = std::variant<Func*, Table*, Memory*, Global*, Tag*>;

class Table {
public:
  virtual ~Table() = default;
  [[nodiscard]] virtual const TableType& type() const = 0;
  [[nodiscard]] virtual uint64_t size() const = 0;
  [[nodiscard]] virtual Result<Value> get(uint64_t index) const = 0;
  [[nodiscard]] virtual Result<void> set(uint64_t index, Value value) = 0;
  [[nodiscard]] virtual Result<uint64_t> grow(uint64_t delta, Value init) = 0; // the old size
};
class Memory {
public:
  virtual ~Memory() = default;
  [[nodiscard]] virtual const MemoryType& type() const = 0;
  [[nodiscard]] virtual Result<uint64_t> grow(uint64_t delta_pages) = 0; // the old size in pages
  [[nodiscard]] virtual std::span<std::byte> bytes() = 0;                // their place stays, their number grows
};
class Global {
public:
  virtual ~Global() = default;
  [[nodiscard]] virtual const GlobalType& type() const = 0;
  [[nodiscard]] virtual Value get() const = 0;
};

class Instance {
public:
  virtual ~Instance() = default;
  [[nodiscard]] virtual std::optional<Extern> find_export(std::string_view name) = 0;
  [[nodiscard]] virtual const Module& module() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
};

// A host function's call. `caller` is the importing instance (null when the host calls it). Values: params in, results
// out, a word each, a v128 two, the lower half first.
struct HostCall {
  Store& store;
  Instance* caller;
  std::span<uint64_t> values;
  // The memory exported as "memory" by the caller; WASI's convention.
  [[nodiscard]] Result<Memory*> memory() const;
};
// An Error stops the guest: kind trap → that trap (code host unless set), kind exit → the guest's end.
using HostFunction = std::function<Result<void>(HostCall& call)>;

struct StoreOptions {
  uint64_t memory_limit_bytes = ~uint64_t{0};        // all memories of the store together; grow fails beyond
  uint64_t table_limit_elements = kMaxTableElements; // all tables of the store together
  uintptr_t stack_limit = 0;                         // 0: platform::guest_stack_limit() at each call
};

class Store {
public:
  explicit Store(Engine& engine, StoreOptions options = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  [[nodiscard]] Engine& engine();

  // Imports in the module's order. Runs the start function. On failure (unlinkable, trap) nothing of the instance can
  // be reached but what it already wrote into imported tables and memories (spec §4.5.4).
  [[nodiscard]] Result<Instance*> instantiate(std::shared_ptr<const Module> module, std::span<const Extern> imports,
                                              std::string name = {});
  [[nodiscard]] Result<std::vector<Value>> call(Func& callee, std::span<const Value> arguments);
  // The same without checks and allocations: `values` has room for value_words (abi/calling_convention.hpp) words,
  // holds the parameters (each as Value::bits[0], a v128 as both) and receives the results. For callers that know the
  // type.
  [[nodiscard]] Result<void> call_unchecked(const Func& callee, std::span<uint64_t> values);

  // The function that a funcref of this store names, to be called; invalid when it is null or no funcref.
  [[nodiscard]] Result<Func*> func(const Value& reference);

  [[nodiscard]] Func* host_function(const FuncType& type, HostFunction function);
  [[nodiscard]] Result<Table*> new_table(const TableType& type, Value init);
  [[nodiscard]] Result<Memory*> new_memory(const MemoryType& type);
  [[nodiscard]] Global* new_global(const GlobalType& type, Value value);

  // Makes the running guest call, and all after it, trap with TrapCode::interrupted at the next loop or function entry
  // until clear_interrupt(). Async-signal-safe. Needs CompileOptions::interruptible.
  void interrupt();
  void clear_interrupt();
  [[nodiscard]] bool interrupted() const; // for host functions that wait
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

// Import resolution by name: (module, name) → Extern; instances are added under a module name.
class Linker {
public:
  void define(std::string module, std::string name, Extern value);     // replaces
  void define_instance(const std::string& module, Instance& instance); // all its exports
  // The imports of `module` in order, or unlinkable naming every missing import.
  [[nodiscard]] Result<std::vector<Extern>> resolve(const Module& module) const;

private:
  std::map<std::pair<std::string, std::string>, Extern, std::less<>> definitions_;
};

} // namespace runtime
