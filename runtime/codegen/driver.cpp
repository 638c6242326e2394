// Compiles a module: one validator and one code generator walk the bodies in order.
#include "runtime/codegen/baseline/baseline.hpp"
#include "runtime/validate/function_validator.hpp"

namespace runtime {

Result<CompiledCode> compile_baseline(const DecodedModule& module, const TypeRegistry& types,
                                      const CompileOptions& options) {
  CompiledCode code;
  code.functions.reserve(module.bodies.size());
  baseline::Baseline generator(module, types, options, code);
  FunctionValidator<baseline::Baseline> validator(module, types, generator);
  for (uint32_t i = 0; i < module.bodies.size(); ++i) TRY_VOID(validator.validate(i));
  TRY_VOID(generator.finish());
  return code;
}

} // namespace runtime
