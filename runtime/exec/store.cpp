// Store: calls from the host into guests and back, values on that border, what becomes of a trap.
#include "runtime/exec/store.hpp"

#include <algorithm>

namespace runtime {

Store::Store(Engine& engine, StoreOptions options) : impl_(std::make_unique<Impl>(engine, options, *this)) {}
Store::~Store() = default;
Engine& Store::engine() { return impl_->engine; }
void Store::interrupt() { impl_->exec.interrupt.store(1); }
void Store::clear_interrupt() { impl_->exec.interrupt.store(0); }
bool Store::interrupted() const { return impl_->exec.interrupt.load() != 0; }

void Store::Impl::use(const CodeObject* object) {
  if (object == nullptr) return;
  const auto at = std::lower_bound(code.begin(), code.end(), object,
                                   [](const CodeObject* a, const CodeObject* b) { return a->begin() < b->begin(); });
  if (at == code.end() || *at != object) code.insert(at, object);
}

const CodeObject* Store::Impl::code_at(uintptr_t pc) const {
  size_t low = 0, high = code.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (code[middle]->begin() <= pc)
      low = middle + 1;
    else
      high = middle;
  }
  return low != 0 && code[low - 1]->contains(pc) ? code[low - 1] : nullptr;
}

Result<const CallableType*> Store::Impl::callable(TypeId type) {
  const CallableType* found = TRY(engine.impl().callable(type));
  use(found->code);
  return found;
}

FuncImpl* Store::Impl::func_of(const FuncRef& ref) {
  // Importers hold copies: the context leads to the owner's.
  const FuncRef& owned = ref.vmctx->instance != nullptr
                             ? static_cast<InstanceImpl*>(ref.vmctx->instance)->functions[ref.function_index]
                             : static_cast<HostFunctionRecord*>(reinterpret_cast<HostContext*>(ref.vmctx)->data)->ref;
  std::unique_ptr<FuncImpl>& func = funcs[&owned];
  if (func == nullptr) func = std::make_unique<FuncImpl>(*this, owned);
  return func.get();
}

Error trap_error(TrapCode code, const std::string& detail) {
  return {.kind = ErrorKind::trap, .message = trap_message(code) + detail, .trap = code};
}

Error Store::Impl::take_error(TrapCode status) {
  if (host_error) { // a host function's own, or what a nested call gave it
    Error error = std::move(*host_error);
    host_error.reset();
    if (error.kind == ErrorKind::trap && error.backtrace.empty()) error.backtrace = name_frames(trap);
    return error;
  }
  std::string detail;
  if (status == TrapCode::memory_out_of_bounds && trap.address != 0)
    for (const auto& memory : memories)
      if (memory->reserves(trap.address))
        detail = ": byte " + std::to_string(trap.address - reinterpret_cast<uintptr_t>(memory->vm.base)) +
                 " of a memory of " + std::to_string(memory->vm.size_bytes.load()) + " bytes";
  Error error = trap_error(status, detail);
  error.backtrace = name_frames(trap);
  return error;
}

namespace {

// Generated code carries no type hash for the sanitizer to compare.
__attribute__((no_sanitize("function"))) uint32_t enter(EntryTrampoline entry, ExecContext* exec,
                                                        const FuncRef* function, uint64_t* values,
                                                        Activation* activation) {
  return entry(exec, function, values, activation);
}

Error no_trampoline() {
  return {.kind = ErrorKind::resource, .message = "no code memory was left for the host function's trampoline"};
}

Error foreign_function() { return {.kind = ErrorKind::invalid, .message = "the function belongs to another store"}; }

Result<const CallableType*> resolve(Store::Impl& store, const FuncImpl& func) {
  if (func.callable != nullptr) [[likely]]
    return func.callable;
  if (&func.store() != &store) return std::unexpected(foreign_function());
  if (func.ref().code == nullptr) return std::unexpected(no_trampoline());
  return func.callable = TRY(store.callable(func.type()));
}

} // namespace

Result<void> Store::call_unchecked(const Func& callee, std::span<uint64_t> values) {
  Impl& store = *impl_;
  const auto& func = static_cast<const FuncImpl&>(callee);
  if (func.callable == nullptr) [[unlikely]]
    TRY(resolve(store, func)); // notes it in func
  const CallableType& callable = *func.callable;
  if (&func.store() != &store || values.size() < callable.value_words)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid, .message = "a call into another store, or without room for its values"});
  if (store.exec.top == nullptr) {
    TRY_VOID(platform::prepare_thread());
    store.exec.stack_limit = store.options.stack_limit != 0 ? store.options.stack_limit : platform::guest_stack_limit();
  }
  // A host function and its guest that call each other without end meet this, or the guest's own check.
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < store.exec.stack_limit)
    return std::unexpected(trap_error(TrapCode::stack_exhausted));
  Activation activation;
  Impl* outer = set_current_store(&store);
  const uint32_t status = enter(callable.entry, &store.exec, &func.ref(), values.data(), &activation);
  set_current_store(outer);
  if (status != 0) [[unlikely]]
    return std::unexpected(store.take_error(static_cast<TrapCode>(status)));
  return {};
}

Result<void> Store::Impl::check_value(const Value& value, ValType type, const std::string& what) {
  const TypeRegistry& types = engine.types();
  const bool is_null = value.is_null();
  bool fits = value.type.kind() == type.kind();
  if (fits && type.is_ref()) {
    // A null fits every nullable type of its hierarchy, whatever the host calls it; what is not null is so by its
    // value.
    const ValType given = ValType::ref(value.type.heap(), is_null);
    fits = types.is_subtype(given, type) || (is_null && type.is_nullable() && types.is_subtype(type, given));
  }
  if (fits && type.is_ref() && !is_null && types.is_subtype(type, ValType::funcref()) &&
      reinterpret_cast<const FuncRef*>(value.bits[0])->vmctx->exec != &exec)
    return std::unexpected(foreign_function());
  if (fits) return {};
  return std::unexpected(Error{.kind = ErrorKind::invalid,
                               .message = what + " must be " + engine.impl().describe(type) + " but is " +
                                          (is_null ? "null" : engine.impl().describe(value.type))});
}

Result<std::vector<Value>> Store::call(Func& callee, std::span<const Value> arguments) {
  Impl& store = *impl_;
  const auto& func = static_cast<const FuncImpl&>(callee);
  if (&func.store() != &store) return std::unexpected(foreign_function());
  const CallableType& callable = *TRY(resolve(store, func));
  const FuncType& type = callable.type;
  if (arguments.size() != type.params.size())
    return std::unexpected(Error{.kind = ErrorKind::invalid,
                                 .message = "the function takes " + std::to_string(type.params.size()) +
                                            " arguments, " + std::to_string(arguments.size()) + " are given"});
  constexpr size_t kInline = 16;
  uint64_t room[kInline];
  std::vector<uint64_t> more;
  std::span<uint64_t> values(room);
  if (callable.value_words > kInline) {
    more.resize(callable.value_words);
    values = more;
  }
  size_t at = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].type != type.params[i] || type.params[i].is_ref())
      TRY_VOID(store.check_value(arguments[i], type.params[i], "argument " + std::to_string(i + 1)));
    values[at++] = arguments[i].bits[0];
    if (type.params[i].kind() == ValKind::v128) values[at++] = arguments[i].bits[1];
  }
  TRY_VOID(call_unchecked(func, values));
  std::vector<Value> results;
  results.reserve(type.results.size());
  at = 0;
  for (const ValType result : type.results) {
    const uint64_t low = values[at++];
    const uint64_t high = result.kind() == ValKind::v128 ? values[at++] : 0;
    results.push_back({result, {result.size_bytes() == 4 ? low & 0xffff'ffff : low, high}});
  }
  return results;
}

// --- host functions

namespace {

// What host trampolines call: HostContext::function.
uint32_t call_host(void* data, VMContext* caller, uint64_t* values) {
  auto& record = *static_cast<HostFunctionRecord*>(data);
  Store::Impl& store = *record.store;
  HostCall call{store.self, caller != nullptr ? caller->instance : nullptr, {values, record.value_words}};
  Result<void> result = record.function(call);
  set_current_store(&store); // whoever switched stacks meanwhile left its own
  if (result) [[likely]]
    return 0;
  Error& error = result.error();
  const TrapCode code = error.kind == ErrorKind::exit                                   ? TrapCode::exit
                        : error.kind == ErrorKind::trap && error.trap != TrapCode::none ? error.trap
                                                                                        : TrapCode::host;
  if (error.kind == ErrorKind::trap && error.trap == TrapCode::none) error.trap = TrapCode::host;
  store.host_error = std::move(error);
  return static_cast<uint32_t>(code);
}

} // namespace

Func* Store::host_function(const FuncType& type, HostFunction function) {
  Impl& store = *impl_;
  auto record = std::make_unique<HostFunctionRecord>();
  record->store = &store;
  record->function = std::move(function);
  record->context.vmctx.exec = &store.exec;
  record->context.function = call_host;
  record->context.data = record.get();
  record->ref.vmctx = &record->context.vmctx;
  record->ref.type = store.engine.types().intern(type);
  record->value_words = value_words(type);
  const Result<const CallableType*> callable = store.callable(record->ref.type);
  if (callable) record->ref.code = (*callable)->host; // otherwise the function says so when it is called or imported
  store.host_functions.push_back(std::move(record));
  return store.func_of(store.host_functions.back()->ref);
}

// --- references

Value Value::func(const Func& func) {
  const auto& function = static_cast<const FuncImpl&>(func);
  return {ValType::ref(HeapType::defined(function.type()), false), {reinterpret_cast<uint64_t>(&function.ref()), 0}};
}

Result<Func*> Store::func(const Value& reference) {
  TRY_VOID(
      impl_->check_value(reference, ValType::ref(HeapType::abstract(AbstractHeap::func), false), "what is called"));
  return impl_->func_of(*reinterpret_cast<const FuncRef*>(reference.bits[0]));
}

Result<Memory*> HostCall::memory() const {
  if (caller != nullptr)
    if (Memory* exported = static_cast<InstanceImpl*>(caller)->exported_memory) return exported;
  return std::unexpected(Error{.kind = ErrorKind::trap,
                               .message = caller == nullptr
                                              ? "the host function needs a calling instance"
                                              : "the instance \"" + caller->name() + "\" exports no memory \"memory\"",
                               .trap = TrapCode::host});
}

// --- objects of the host

Result<Table*> Store::new_table(const TableType& type, Value init) {
  TRY_VOID(impl_->check_value(init, type.element, "a table's element"));
  impl_->tables.push_back(TRY(TableImpl::make(*impl_, type, init.bits[0])));
  return impl_->tables.back().get();
}

Result<Memory*> Store::new_memory(const MemoryType& type) {
  impl_->memories.push_back(TRY(MemoryImpl::make(*impl_, type)));
  return impl_->memories.back().get();
}

Global* Store::new_global(const GlobalType& type, Value value) {
  impl_->global_cells.push_back(std::make_unique<VMGlobal>(VMGlobal{{value.bits[0], value.bits[1]}}));
  impl_->globals.push_back(std::make_unique<GlobalImpl>(*impl_, type, *impl_->global_cells.back()));
  return impl_->globals.back().get();
}

} // namespace runtime
