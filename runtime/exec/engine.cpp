// Engine and Module: types, compilation, trampolines.
#include "runtime/exec/code.hpp"

#include "runtime/exec/trap.hpp"
#include "runtime/validate/validate.hpp"
#include <algorithm>

namespace runtime {

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  install_fault_handler();
}
Engine::~Engine() = default;
TypeRegistry& Engine::types() { return impl_->types; }
const EngineOptions& Engine::options() const { return impl_->options; }

Result<void> Engine::prepare_calls(std::span<const FuncType> types) {
  std::vector<TypeId> ids;
  ids.reserve(types.size());
  for (const FuncType& type : types) ids.push_back(impl_->types.intern(type));
  return impl_->prepare(ids);
}

std::string Engine::Impl::describe(ValType type) const {
  if (type == ValType::funcref()) return "funcref"; // as everyone writes them
  if (type == ValType::externref()) return "externref";
  return TypeRegistry::to_string(type);
}

std::string Engine::Impl::describe(TypeId id) const {
  const FuncType* type = types.func(id);
  if (type == nullptr) return "(type " + std::to_string(static_cast<uint32_t>(id)) + ")";
  std::string text = "(func";
  const auto append = [&](const char* what, const std::vector<ValType>& list) {
    if (list.empty()) return;
    text += std::string(" (") + what;
    for (const ValType item : list) text += " " + TypeRegistry::to_string(item);
    text += ")";
  };
  append("param", type->params);
  append("result", type->results);
  return text + ")";
}

const CallableType* Engine::Impl::find_callable(TypeId type) {
  const std::lock_guard lock(mutex);
  const auto found = callables.find(static_cast<uint32_t>(type));
  return found != callables.end() ? found->second.get() : nullptr;
}

// One CodeObject for all that are missing: a page of code memory holds dozens of trampolines. Where two threads make
// the same one, the first to finish wins.
Result<void> Engine::Impl::prepare(std::span<const TypeId> ids) {
  constexpr size_t kAlign = 16;
  std::vector<std::unique_ptr<CallableType>> made;
  CompiledCode all;
  for (const TypeId id : ids) {
    if (find_callable(id) != nullptr) continue;
    if (std::ranges::any_of(made, [&](const auto& other) { return other->id == id; })) continue;
    const FuncType* type = types.func(id);
    if (type == nullptr) return std::unexpected(Error{.kind = ErrorKind::invalid, .message = "not a function type"});
    auto callable = std::make_unique<CallableType>();
    callable->type = *type;
    callable->id = id;
    callable->value_words = value_words(*type);
    const Trampolines pair = compile_trampolines(*type);
    all.code.resize((all.code.size() + kAlign - 1) / kAlign * kAlign, std::byte{0xcc});
    const auto base = static_cast<uint32_t>(all.code.size());
    all.code.insert(all.code.end(), pair.code.code.begin(), pair.code.code.end());
    for (CodeRange range : pair.code.functions) all.functions.push_back({base + range.begin, base + range.end});
    for (TrapSite site : pair.code.traps) all.traps.push_back({base + site.code_offset, site.wasm_offset, site.code});
    for (CallSite site : pair.code.calls) all.calls.push_back({base + site.code_offset, site.wasm_offset});
    made.push_back(std::move(callable));
  }
  if (made.empty()) return {};
  std::unique_ptr<CodeObject> code = TRY(CodeObject::make(std::move(all)));
  const std::lock_guard lock(mutex);
  for (size_t i = 0; i < made.size(); ++i) {
    made[i]->entry = reinterpret_cast<EntryTrampoline>(reinterpret_cast<uintptr_t>(code->function(2 * i)));
    made[i]->host = code->function(2 * i + 1);
    made[i]->code = code.get();
    const auto key = static_cast<uint32_t>(made[i]->id);
    callables.try_emplace(key, std::move(made[i]));
  }
  trampolines.push_back(std::move(code));
  return {};
}

Result<const CallableType*> Engine::Impl::callable(TypeId type) {
  if (const CallableType* found = find_callable(type)) return found;
  TRY_VOID(prepare({&type, 1}));
  return find_callable(type);
}

Result<std::shared_ptr<const Module>> Module::compile(Engine& engine, std::vector<std::byte> wasm, std::string name) {
  auto impl = std::make_unique<Impl>();
  impl->engine = &engine;
  impl->decoded = TRY(decode_module(std::move(wasm), engine.types()));
  const EngineOptions& options = engine.options();
  CompiledCode compiled = TRY(options.tier->compile(*impl->decoded, engine.types(), options.compile));
  impl->code = TRY(CodeObject::make(std::move(compiled)));
  if (impl->code != nullptr) impl->code->module = impl.get();
  impl->name = name.empty() ? std::string(impl->decoded->name) : std::move(name);

  // What the host is going to call: exported functions and the start function; what it is going to define: imports.
  std::vector<TypeId> types;
  const DecodedModule& decoded = *impl->decoded;
  for (const ImportDesc& import : decoded.imports)
    if (import.kind == ExternKind::func) types.push_back(decoded.functions[import.index]);
  for (const ExportDesc& item : decoded.exports)
    if (item.kind == ExternKind::func) types.push_back(decoded.functions[item.index]);
  if (decoded.start) types.push_back(decoded.functions[*decoded.start]);
  std::ranges::sort(types);
  types.erase(std::ranges::unique(types).begin(), types.end());
  TRY_VOID(engine.impl().prepare(types));
  return std::make_shared<const Module>(std::move(impl));
}

Result<void> Module::validate(Engine& engine, std::vector<std::byte> wasm) {
  const std::unique_ptr<DecodedModule> decoded = TRY(decode_module(std::move(wasm), engine.types()));
  return validate_module(*decoded, engine.types());
}

Module::Module(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Module::~Module() = default;
const DecodedModule& Module::decoded() const { return *impl_->decoded; }
const std::string& Module::name() const { return impl_->name; }
std::string Module::function_name(uint32_t function_index) const { return impl_->function_name(function_index); }

std::string Module::Impl::function_name(uint32_t function_index) const {
  if (const auto found = decoded->function_names.find(function_index); found != decoded->function_names.end())
    return std::string(found->second);
  for (const ExportDesc& item : decoded->exports)
    if (item.kind == ExternKind::func && item.index == function_index) return std::string(item.name);
  return "func[" + std::to_string(function_index) + "]";
}

} // namespace runtime
