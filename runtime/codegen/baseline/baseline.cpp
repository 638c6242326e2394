// The baseline compiler: beginning and end of a module's code.
#include "runtime/codegen/baseline/baseline.hpp"
#include "runtime/codegen/x86_64/processor.hpp"
#include <algorithm>

namespace runtime::baseline {

static_assert(CodeGenerator<Baseline>);

namespace {

bool has_vectors(std::span<const ValType> types) {
  return std::ranges::any_of(types, [](ValType type) { return type.kind() == ValKind::v128; });
}

// Whether a function may hold a v128 without an instruction on vectors in its body.
bool has_vector_types(const DecodedModule& module, const TypeRegistry& types) {
  return std::ranges::any_of(module.globals,
                             [](const GlobalDesc& global) { return global.type.type.kind() == ValKind::v128; }) ||
         std::ranges::any_of(module.types, [&](TypeId id) {
           const FuncType* type = types.func(id);
           return type != nullptr && (has_vectors(type->params) || has_vectors(type->results));
         });
}

} // namespace

Baseline::Baseline(const DecodedModule& module, const TypeRegistry& types, const CompileOptions& options,
                   CompiledCode& out)
    : module_(module), types_(types), options_(options), has_vector_types_(has_vector_types(module, types)), out_(out),
      e_(out.code) {
  e_.use_vex(options.vector_encoding == VectorEncoding::best && has_avx2());
}

Result<void> Baseline::finish() {
  for (const CallFixup& fixup : call_fixups_) e_.patch_relative(fixup.at, out_.functions[fixup.defined_index].begin);
  call_fixups_.clear();
  e_.finish();
  return {};
}

} // namespace runtime::baseline
