// Instantiation (spec §4.7.2): imports are matched, the instance's own objects made, constant expressions evaluated,
// active segments copied, the start function run, in this order. Whoever fails before the segments leaves nothing
// behind; from the segments on the instance stays in the Store, for imported tables may hold its functions.
#include "runtime/exec/store.hpp"

#include <algorithm>

namespace runtime {
namespace {

std::string describe(const Limits& limits) {
  std::string text = limits.is_64 ? "i64 " : "";
  text += std::to_string(limits.min);
  if (limits.max) text += " " + std::to_string(*limits.max);
  if (limits.shared) text += " shared";
  return text;
}

std::string describe(Engine::Impl& engine, const TableType& type) {
  return "(table " + describe(type.limits) + " " + engine.describe(type.element) + ")";
}
std::string describe(const MemoryType& type) { return "(memory " + describe(type.limits) + ")"; }
std::string describe(Engine::Impl& engine, const GlobalType& type) {
  const std::string value = engine.describe(type.type);
  return type.mutable_ ? "(global (mut " + value + "))" : "(global " + value + ")";
}

std::string import_name(const ImportDesc& import) {
  return "\"" + std::string(import.module) + "\" \"" + std::string(import.name) + "\"";
}

// Spec §3.2.11: the given limits (with the current size as minimum) must lie within the wanted ones.
bool limits_match(const Limits& given, const Limits& wanted) {
  if (given.is_64 != wanted.is_64 || given.shared != wanted.shared || given.min < wanted.min) return false;
  return !wanted.max || (given.max && *given.max <= *wanted.max);
}

class Instantiation {
public:
  Instantiation(Store::Impl& store, InstanceImpl& instance)
      : store_(store), engine_(store.engine.impl()), instance_(instance), module_(instance.decoded()) {}

  Result<void> link(std::span<const Extern> imports);
  Result<void> allocate();
  void expose();
  Result<void> run_segments();
  Result<void> start();

private:
  Error mismatch(const ImportDesc& import, const std::string& given, const std::string& wanted) const {
    return {.kind = ErrorKind::unlinkable,
            .message = "incompatible import type: " + import_name(import) + " is " + given +
                       " but the module imports " + wanted};
  }
  Error wrong_kind(const ImportDesc& import, const Extern& given) const {
    static constexpr const char* kNames[] = {"a function", "a table", "a memory", "a global", "a tag"};
    return mismatch(import, kNames[given.index()], kNames[static_cast<size_t>(import.kind)]);
  }
  Error foreign(const ImportDesc& import) const {
    return {.kind = ErrorKind::unlinkable,
            .message = "incompatible import type: " + import_name(import) + " belongs to another store"};
  }
  Result<void> link_func(const ImportDesc& import, Func* given);
  Result<void> link_table(const ImportDesc& import, Table* given);
  Result<void> link_memory(const ImportDesc& import, Memory* given);
  Result<void> link_global(const ImportDesc& import, Global* given);
  Result<void> link_tag(const ImportDesc& import, Tag* given);
  Result<VMGlobal> evaluate(const ConstExpr& expression) const;
  Result<uint64_t> segment_offset(const ConstExpr& expression, const Limits& target) const;

  Store::Impl& store_;
  Engine::Impl& engine_;
  InstanceImpl& instance_;
  const DecodedModule& module_;
};

Result<void> Instantiation::link(std::span<const Extern> imports) {
  if (imports.size() != module_.imports.size())
    return std::unexpected(Error{.kind = ErrorKind::unlinkable,
                                 .message = "unknown import: the module has " + std::to_string(module_.imports.size()) +
                                            " imports, " + std::to_string(imports.size()) + " are given"});
  instance_.functions.reserve(module_.functions.size());
  for (size_t i = 0; i < imports.size(); ++i) {
    const ImportDesc& import = module_.imports[i];
    if (static_cast<size_t>(import.kind) != imports[i].index()) return std::unexpected(wrong_kind(import, imports[i]));
    if (std::visit([](auto* object) { return object == nullptr; }, imports[i]))
      return std::unexpected(Error{.kind = ErrorKind::unlinkable, .message = "unknown import: " + import_name(import)});
    switch (import.kind) {
    case ExternKind::func: TRY_VOID(link_func(import, std::get<Func*>(imports[i]))); break;
    case ExternKind::table: TRY_VOID(link_table(import, std::get<Table*>(imports[i]))); break;
    case ExternKind::memory: TRY_VOID(link_memory(import, std::get<Memory*>(imports[i]))); break;
    case ExternKind::global: TRY_VOID(link_global(import, std::get<Global*>(imports[i]))); break;
    case ExternKind::tag: TRY_VOID(link_tag(import, std::get<Tag*>(imports[i]))); break;
    }
  }
  return {};
}

Result<void> Instantiation::link_func(const ImportDesc& import, Func* given) {
  const TypeId wanted = module_.functions[import.index];
  const auto& function = static_cast<const FuncImpl&>(*given);
  if (&function.store() != &store_) return std::unexpected(foreign(import));
  if (!engine_.types.is_subtype(function.type(), wanted))
    return std::unexpected(mismatch(import, engine_.describe(function.type()), engine_.describe(wanted)));
  if (function.ref().code == nullptr)
    return std::unexpected(
        Error{.kind = ErrorKind::resource, .message = "no code memory was left for " + import_name(import)});
  instance_.functions.push_back(function.ref());
  return {};
}

Result<void> Instantiation::link_table(const ImportDesc& import, Table* given) {
  auto* table = static_cast<TableImpl*>(given);
  const TableType& wanted = module_.tables[import.index].type;
  if (&table->store() != &store_) return std::unexpected(foreign(import));
  TableType actual = table->type();
  actual.limits.min = table->size();
  if (actual.element != wanted.element || !limits_match(actual.limits, wanted.limits))
    return std::unexpected(mismatch(import, describe(engine_, actual), describe(engine_, wanted)));
  instance_.tables.push_back(table);
  return {};
}

Result<void> Instantiation::link_memory(const ImportDesc& import, Memory* given) {
  auto* memory = static_cast<MemoryImpl*>(given);
  const MemoryType& wanted = module_.memories[import.index];
  if (&memory->store() != &store_) return std::unexpected(foreign(import));
  MemoryType actual = memory->type();
  actual.limits.min = memory->pages();
  if (!limits_match(actual.limits, wanted.limits))
    return std::unexpected(mismatch(import, describe(actual), describe(wanted)));
  instance_.memories.push_back(memory);
  return {};
}

Result<void> Instantiation::link_global(const ImportDesc& import, Global* given) {
  auto* global = static_cast<GlobalImpl*>(given);
  const GlobalType &type = global->type(), &wanted = module_.globals[import.index].type;
  if (&global->store() != &store_) return std::unexpected(foreign(import));
  const bool types_match =
      wanted.mutable_ ? type.type == wanted.type : engine_.types.is_subtype(type.type, wanted.type);
  if (type.mutable_ != wanted.mutable_ || !types_match)
    return std::unexpected(mismatch(import, describe(engine_, type), describe(engine_, wanted)));
  instance_.globals.push_back(global);
  return {};
}

Result<void> Instantiation::link_tag(const ImportDesc& import, Tag* given) {
  const TagType& wanted = module_.tags[import.index];
  if (given->type.type != wanted.type)
    return std::unexpected(mismatch(import, "a tag of " + engine_.describe(given->type.type),
                                    "a tag of " + engine_.describe(wanted.type)));
  instance_.tags.push_back(given);
  return {};
}

// Spec §4.4.10 on the constant instructions. Validation has fixed the stack's shape; the result is the one value left.
Result<VMGlobal> Instantiation::evaluate(const ConstExpr& expression) const {
  std::vector<VMGlobal> stack;
  const auto binary = [&](auto operation) {
    const uint64_t right = stack.back().bits[0];
    stack.pop_back();
    stack.back().bits[0] = operation(stack.back().bits[0], right);
  };
  for (const ConstOp& item : expression) {
    switch (item.op) {
    case Op::i32_const:
    case Op::i64_const:
    case Op::f32_const:
    case Op::f64_const: stack.push_back({{item.immediate, 0}}); break;
    case Op::v128_const: stack.push_back({{item.immediate, item.immediate_high}}); break;
    case Op::ref_null: stack.push_back({}); break;
    case Op::ref_func: stack.push_back({{reinterpret_cast<uint64_t>(&instance_.functions[item.immediate]), 0}}); break;
    case Op::global_get: stack.push_back(instance_.globals[item.immediate]->cell()); break;
    case Op::i32_add: binary([](uint64_t a, uint64_t b) { return (a + b) & 0xffff'ffff; }); break;
    case Op::i32_sub: binary([](uint64_t a, uint64_t b) { return (a - b) & 0xffff'ffff; }); break;
    case Op::i32_mul: binary([](uint64_t a, uint64_t b) { return (a * b) & 0xffff'ffff; }); break;
    case Op::i64_add: binary([](uint64_t a, uint64_t b) { return a + b; }); break;
    case Op::i64_sub: binary([](uint64_t a, uint64_t b) { return a - b; }); break;
    case Op::i64_mul: binary([](uint64_t a, uint64_t b) { return a * b; }); break;
    default:
      return std::unexpected(Error{.kind = ErrorKind::unsupported,
                                   .message = std::string(op_info(item.op).text) + " in a constant expression"});
    }
  }
  return stack.empty() ? VMGlobal{} : stack.back();
}

Result<uint64_t> Instantiation::segment_offset(const ConstExpr& expression, const Limits& target) const {
  const uint64_t bits = TRY(evaluate(expression)).bits[0];
  return target.is_64 ? bits : bits & 0xffff'ffff; // the upper half of an i32 says nothing
}

Result<void> Instantiation::allocate() {
  InstanceImpl& instance = instance_;
  instance.vm.exec = &store_.exec;
  instance.vm.libcalls = &kLibcalls;
  instance.vm.instance = &instance;
  const CodeObject* code = instance.module().impl().code.get();
  store_.use(code);
  for (uint32_t i = module_.imported_functions; i < module_.functions.size(); ++i)
    instance.functions.push_back(
        {code->function(i - module_.imported_functions), &instance.vm, module_.functions[i], i});

  for (uint32_t i = module_.imported_memories; i < module_.memories.size(); ++i) {
    store_.memories.push_back(TRY(MemoryImpl::make(store_, module_.memories[i])));
    instance.memories.push_back(store_.memories.back().get());
  }

  instance.global_cells = std::make_unique<VMGlobal[]>(module_.globals.size() - module_.imported_globals);
  for (uint32_t i = module_.imported_globals; i < module_.globals.size(); ++i) {
    VMGlobal& cell = instance.global_cells[i - module_.imported_globals];
    cell = TRY(evaluate(module_.globals[i].init)); // sees the globals before it
    instance.own_globals.push_back(std::make_unique<GlobalImpl>(store_, module_.globals[i].type, cell));
    instance.globals.push_back(instance.own_globals.back().get());
  }

  for (uint32_t i = module_.imported_tables; i < module_.tables.size(); ++i) {
    const TableDesc& table = module_.tables[i];
    const VMGlobal init = TRY(evaluate(table.init));
    store_.tables.push_back(TRY(TableImpl::make(store_, table.type, init.bits[0])));
    instance.tables.push_back(store_.tables.back().get());
  }

  for (uint32_t i = module_.imported_tags; i < module_.tags.size(); ++i) {
    instance.own_tags.push_back(std::make_unique<Tag>(module_.tags[i]));
    instance.tags.push_back(instance.own_tags.back().get());
  }

  instance.elements.reserve(module_.elements.size());
  for (const ElementSegment& segment : module_.elements) {
    std::vector<uint64_t>& items = instance.elements.emplace_back();
    if (segment.mode == SegmentMode::declarative) continue;
    items.reserve(segment.items.size());
    for (const ConstExpr& item : segment.items) items.push_back(TRY(evaluate(item)).bits[0]);
  }
  for (const DataSegment& segment : module_.data) instance.data.push_back(segment.bytes);

  for (MemoryImpl* memory : instance.memories) instance.vm_memories.push_back(&memory->vm);
  for (TableImpl* table : instance.tables) instance.vm_tables.push_back(&table->vm);
  for (GlobalImpl* global : instance.globals) instance.vm_globals.push_back(&global->cell());
  instance.vm.functions = instance.functions.data();
  instance.vm.memories = instance.vm_memories.data();
  instance.vm.tables = instance.vm_tables.data();
  instance.vm.globals = instance.vm_globals.data();
  if (!instance.vm_memories.empty()) {
    instance.vm.memory0 = instance.vm_memories[0];
    instance.vm.memory0_base = instance.vm_memories[0]->base;
  }
  return {};
}

void Instantiation::expose() {
  instance_.exports.reserve(module_.exports.size());
  for (const ExportDesc& item : module_.exports) {
    switch (item.kind) {
    case ExternKind::func:
      instance_.exports.emplace(item.name, static_cast<Func*>(store_.func_of(instance_.functions[item.index])));
      break;
    case ExternKind::table:
      instance_.exports.emplace(item.name, static_cast<Table*>(instance_.tables[item.index]));
      break;
    case ExternKind::memory:
      instance_.exports.emplace(item.name, static_cast<Memory*>(instance_.memories[item.index]));
      if (item.name == "memory") instance_.exported_memory = instance_.memories[item.index];
      break;
    case ExternKind::global:
      instance_.exports.emplace(item.name, static_cast<Global*>(instance_.globals[item.index]));
      break;
    case ExternKind::tag: instance_.exports.emplace(item.name, instance_.tags[item.index]); break;
    }
  }
}

Result<void> Instantiation::run_segments() {
  VMContext* vm = &instance_.vm;
  for (uint32_t i = 0; i < module_.elements.size(); ++i) {
    const ElementSegment& segment = module_.elements[i];
    if (segment.mode != SegmentMode::active) continue;
    const uint64_t at = TRY(segment_offset(segment.offset, module_.tables[segment.table].type.limits));
    const uint32_t status =
        kLibcalls.table_init(vm, uint64_t{i} << 32 | segment.table, at, 0, instance_.elements[i].size());
    if (status != 0)
      return std::unexpected(trap_error(static_cast<TrapCode>(status),
                                        ": element segment " + std::to_string(i) + " of " +
                                            std::to_string(segment.items.size()) + " at " + std::to_string(at)));
    kLibcalls.elem_drop(vm, i);
  }
  for (uint32_t i = 0; i < module_.data.size(); ++i) {
    const DataSegment& segment = module_.data[i];
    if (segment.mode != SegmentMode::active) continue;
    const uint64_t at = TRY(segment_offset(segment.offset, module_.memories[segment.memory].limits));
    const uint32_t status = kLibcalls.memory_init(vm, uint64_t{i} << 32 | segment.memory, at, 0, segment.bytes.size());
    if (status != 0)
      return std::unexpected(trap_error(static_cast<TrapCode>(status), ": data segment " + std::to_string(i) + " of " +
                                                                           std::to_string(segment.bytes.size()) +
                                                                           " bytes at " + std::to_string(at)));
    kLibcalls.data_drop(vm, i);
  }
  return {};
}

Result<void> Instantiation::start() {
  if (!module_.start) return {};
  return store_.self.call_unchecked(*store_.func_of(instance_.functions[*module_.start]), {});
}

} // namespace

std::optional<Extern> InstanceImpl::find_export(std::string_view name) {
  const auto found = exports.find(name);
  if (found == exports.end()) return std::nullopt;
  return found->second;
}

Result<Instance*> Store::instantiate(std::shared_ptr<const Module> module, std::span<const Extern> imports,
                                     std::string name) {
  if (module->impl().engine != &impl_->engine)
    return std::unexpected(
        Error{.kind = ErrorKind::unlinkable, .message = "the module was compiled by another engine"});
  if (name.empty()) name = module->name();
  auto instance = std::make_unique<InstanceImpl>(*impl_, std::move(module), std::move(name));
  Instantiation steps(*impl_, *instance);
  TRY_VOID(steps.link(imports));
  const size_t memories = impl_->memories.size(), tables = impl_->tables.size();
  const Result<void> allocated = steps.allocate();
  // The code stays in the store's list from here on, and so must its module.
  impl_->instances.push_back(std::move(instance));
  InstanceImpl& kept = *impl_->instances.back();
  if (!allocated) {
    impl_->memories.resize(memories);
    impl_->tables.resize(tables);
    return std::unexpected(allocated.error());
  }
  steps.expose();
  TRY_VOID(steps.run_segments());
  TRY_VOID(steps.start());
  return &kept;
}

} // namespace runtime
