// The baseline compiler: beginning and end of a module's code.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

static_assert(CodeGenerator<Baseline>);

Baseline::Baseline(const DecodedModule& module, const TypeRegistry& types, const CompileOptions& options,
                   CompiledCode& out)
    : module_(module), types_(types), options_(options), out_(out), e_(out.code) {}

Result<void> Baseline::finish() {
  for (const CallFixup& fixup : call_fixups_) e_.patch_relative(fixup.at, out_.functions[fixup.defined_index].begin);
  call_fixups_.clear();
  e_.finish();
  return {};
}

} // namespace runtime::baseline
