// What a Store and its instances keep. Private to exec/.
#pragma once
#include "runtime/exec/trap.hpp"
#include <unordered_map>

namespace runtime {

class FuncImpl final : public Func {
public:
  FuncImpl(Store::Impl& store, const FuncRef& ref) : ref_(&ref), store_(store) {}
  [[nodiscard]] TypeId type() const override { return ref_->type; }
  [[nodiscard]] const FuncRef& ref() const { return *ref_; }
  [[nodiscard]] Store::Impl& store() const { return store_; }
  mutable const CallableType* callable = nullptr; // set by the first call

private:
  const FuncRef* ref_; // where its owner keeps it: an instance's index space, or a HostFunctionRecord
  Store::Impl& store_;
};

class MemoryImpl final : public Memory {
public:
  // Reserves address space for all it can grow to (a 32-bit memory: all that a 32-bit index plus a 32-bit offset can
  // reach, so that generated code needs no check) and commits the minimum.
  [[nodiscard]] static Result<std::unique_ptr<MemoryImpl>> make(Store::Impl& store, const MemoryType& type);
  ~MemoryImpl() override;
  MemoryImpl(const MemoryImpl&) = delete;
  MemoryImpl& operator=(const MemoryImpl&) = delete;
  [[nodiscard]] const MemoryType& type() const override { return type_; }
  [[nodiscard]] Result<uint64_t> grow(uint64_t delta_pages) override;
  [[nodiscard]] std::optional<uint64_t>
  try_grow(uint64_t delta_pages); // the old size in pages; no allocation on failure
  [[nodiscard]] uint64_t pages() const { return vm.size_bytes.load(std::memory_order_relaxed) / kWasmPageBytes; }
  [[nodiscard]] bool reserves(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(vm.base) < reserved_bytes_;
  }
  [[nodiscard]] std::span<std::byte> bytes() override { return {vm.base, vm.size_bytes.load()}; }
  [[nodiscard]] Store::Impl& store() const { return store_; }
  VMMemory vm;

private:
  MemoryImpl(Store::Impl& store, const MemoryType& type) : store_(store), type_(type) {}
  Store::Impl& store_;
  MemoryType type_;
  uint64_t reserved_bytes_ = 0, max_pages_ = 0;
};

class TableImpl final : public Table {
public:
  [[nodiscard]] static Result<std::unique_ptr<TableImpl>> make(Store::Impl& store, const TableType& type,
                                                               uint64_t init);
  ~TableImpl() override;
  TableImpl(const TableImpl&) = delete;
  TableImpl& operator=(const TableImpl&) = delete;
  [[nodiscard]] const TableType& type() const override { return type_; }
  [[nodiscard]] uint64_t size() const override { return vm.size; }
  [[nodiscard]] Result<Value> get(uint64_t index) const override;
  [[nodiscard]] Result<void> set(uint64_t index, Value value) override;
  [[nodiscard]] Result<uint64_t> grow(uint64_t delta, Value init) override;
  [[nodiscard]] std::optional<uint64_t> try_grow(uint64_t delta, uint64_t init);
  [[nodiscard]] Store::Impl& store() const { return store_; }
  VMTable vm;

private:
  TableImpl(Store::Impl& store, const TableType& type) : store_(store), type_(type) {}
  [[nodiscard]] Result<void> check_element(const Value& value) const;
  Store::Impl& store_;
  TableType type_;
  uint64_t capacity_ = 0;
};

class GlobalImpl final : public Global {
public:
  GlobalImpl(Store::Impl& store, const GlobalType& type, VMGlobal& cell) : cell_(cell), store_(store), type_(type) {}
  [[nodiscard]] const GlobalType& type() const override { return type_; }
  [[nodiscard]] Value get() const override { return {type_.type, {cell_.bits[0], cell_.bits[1]}}; }
  [[nodiscard]] VMGlobal& cell() const { return cell_; }
  [[nodiscard]] Store::Impl& store() const { return store_; }

private:
  VMGlobal& cell_; // its owner's
  Store::Impl& store_;
  GlobalType type_;
};

class InstanceImpl final : public Instance {
public:
  InstanceImpl(Store::Impl& owner, std::shared_ptr<const Module> code, std::string given_name)
      : store(owner), module_(std::move(code)), name_(std::move(given_name)) {}
  [[nodiscard]] std::optional<Extern> find_export(std::string_view name) override;
  [[nodiscard]] const Module& module() const override { return *module_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const DecodedModule& decoded() const { return *module_->impl().decoded; }

  VMContext vm;
  Store::Impl& store;
  // Index spaces, imports first; none changes size once instantiate() has filled it.
  std::vector<FuncRef> functions;
  std::vector<MemoryImpl*> memories;
  std::vector<TableImpl*> tables;
  std::vector<GlobalImpl*> globals;
  std::vector<Tag*> tags;
  std::vector<VMMemory*> vm_memories; // what vm points to
  std::vector<VMTable*> vm_tables;
  std::vector<VMGlobal*> vm_globals;
  // Its own
  std::vector<std::unique_ptr<GlobalImpl>> own_globals;
  std::unique_ptr<VMGlobal[]> global_cells;
  std::vector<std::unique_ptr<Tag>> own_tags;
  std::vector<std::vector<uint64_t>> elements;          // evaluated segments; dropped ones are empty
  std::vector<std::span<const std::byte>> data;         // likewise
  std::unordered_map<std::string_view, Extern> exports; // names lie in the module
  Memory* exported_memory = nullptr;                    // the export "memory"

private:
  std::shared_ptr<const Module> module_;
  std::string name_;
};

struct HostFunctionRecord {
  Store::Impl* store = nullptr;
  HostFunction function;
  size_t value_words = 0;
  HostContext context;
  FuncRef ref;
};

struct Store::Impl {
  Impl(Engine& owner, StoreOptions wanted, Store& face) : engine(owner), options(wanted), self(face) {}

  Engine& engine;
  StoreOptions options;
  Store& self;
  ExecContext exec;
  std::vector<const CodeObject*> code; // sorted by begin(): invariant E2
  CapturedTrap trap;                   // of the trap that is on its way to Store::call
  std::optional<Error> host_error;     // of the host function that is ending the guest call
  uint64_t memory_bytes = 0;           // committed by all memories
  uint64_t table_elements = 0;         // of all tables

  std::vector<std::unique_ptr<MemoryImpl>> memories;
  std::vector<std::unique_ptr<TableImpl>> tables;
  std::vector<std::unique_ptr<GlobalImpl>> globals; // the host's
  std::vector<std::unique_ptr<VMGlobal>> global_cells;
  std::vector<std::unique_ptr<HostFunctionRecord>> host_functions;
  std::unordered_map<const FuncRef*, std::unique_ptr<FuncImpl>> funcs; // by their owner's FuncRef
  std::vector<std::unique_ptr<InstanceImpl>> instances; // failed ones too: tables may hold their functions

  void use(const CodeObject* object);
  [[nodiscard]] const CodeObject* code_at(uintptr_t pc) const; // for the fault handler: no lock, no allocation
  [[nodiscard]] Result<const CallableType*> callable(TypeId type);
  [[nodiscard]] FuncImpl* func_of(const FuncRef& ref); // the one Func of this function; ref may be an importer's copy
  // Whether `value` may be passed where `type` is expected; else an Error saying so about `what`.
  [[nodiscard]] Result<void> check_value(const Value& value, ValType type, const std::string& what);
  [[nodiscard]] Error take_error(TrapCode status);
};

[[nodiscard]] Error trap_error(TrapCode code, const std::string& detail = {});
extern const Libcalls kLibcalls;

} // namespace runtime
