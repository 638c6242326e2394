// Machine code that lives in code memory, and what an Engine and a Module keep about it. Private to exec/.
//
// Invariants:
//  E1  A CodeObject is immutable once made; its tables are sorted by code offset.
//  E2  Every CodeObject that a Store can run (its modules' and the trampolines it uses) is in Store::Impl::code, so
//  that
//      the fault handler finds it without a lock: only the store's own thread changes that list, and not while it is
//      in generated code.
#pragma once
#include "runtime/abi/calling_convention.hpp"
#include "runtime/engine.hpp"
#include "runtime/platform/platform.hpp"
#include "store/base/thread_annotations.hpp"
#include <mutex>
#include <unordered_map>

namespace runtime {

class CodeObject {
public:
  // Copies the code into code memory and seals it. Null for no code at all.
  [[nodiscard]] static Result<std::unique_ptr<CodeObject>> make(CompiledCode compiled);
  ~CodeObject();
  CodeObject(const CodeObject&) = delete;
  CodeObject& operator=(const CodeObject&) = delete;

  [[nodiscard]] uintptr_t begin() const { return reinterpret_cast<uintptr_t>(mapping_.executable); }
  [[nodiscard]] bool contains(uintptr_t pc) const { return pc - begin() < mapping_.size_bytes; }
  [[nodiscard]] const std::byte* function(size_t defined) const {
    return mapping_.executable + functions_[defined].begin;
  }
  // The three look-ups neither allocate nor lock: the fault handler and stack walks use them.
  [[nodiscard]] const TrapSite* trap_at(uintptr_t pc) const;
  [[nodiscard]] const CallSite* call_returning_to(uintptr_t pc) const;
  [[nodiscard]] std::optional<uint32_t> defined_function_at(uint32_t code_offset) const;

  const Module::Impl* module = nullptr; // null: trampolines

private:
  CodeObject() = default;
  platform::CodeMapping mapping_;
  std::vector<CodeRange> functions_;
  std::vector<TrapSite> traps_;
  std::vector<CallSite> calls_;
};

struct CallableType {
  FuncType type;
  TypeId id{};
  EntryTrampoline entry = nullptr;
  const std::byte* host = nullptr;
  const CodeObject* code = nullptr;
  size_t value_words = 0; // that the values of a call need
};

struct Engine::Impl {
  EngineOptions options;
  TypeRegistry types;
  std::mutex mutex; // held for look-ups and insertions alone, never while code is made
  std::unordered_map<uint32_t, std::unique_ptr<CallableType>> callables KPKG_GUARDED_BY(mutex); // by TypeId
  std::vector<std::unique_ptr<CodeObject>> trampolines KPKG_GUARDED_BY(mutex);

  [[nodiscard]] Result<const CallableType*> callable(TypeId type);
  [[nodiscard]] Result<void> prepare(std::span<const TypeId> ids); // all that are missing, in one CodeObject
  [[nodiscard]] const CallableType* find_callable(TypeId type);
  [[nodiscard]] std::string describe(ValType type) const;
  [[nodiscard]] std::string describe(TypeId type) const; // «(func (param i32 i32) (result i64))»
};

struct Module::Impl {
  Engine* engine = nullptr;
  std::unique_ptr<DecodedModule> decoded;
  std::string name;
  std::unique_ptr<CodeObject> code; // null when the module defines no function
  [[nodiscard]] std::string function_name(uint32_t function_index) const;
};

} // namespace runtime
