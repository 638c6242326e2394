// The baseline compiler as a tier: one validator and one code generator walk the bodies in order.
#include "runtime/codegen/baseline/baseline.hpp"
#include "runtime/codegen/x86_64/processor.hpp"
#include "runtime/validate/function_validator.hpp"

namespace runtime {
namespace {

Result<CompiledCode> compile(const DecodedModule& module, const TypeRegistry& types, const CompileOptions& options) {
  TRY_VOID(x86_64::check_processor());
  CompiledCode code;
  code.functions.reserve(module.bodies.size());
  baseline::Baseline generator(module, types, options, code);
  FunctionValidator<baseline::Baseline> validator(module, types, generator);
  for (uint32_t i = 0; i < module.bodies.size(); ++i) TRY_VOID(validator.validate(i));
  TRY_VOID(generator.finish());
  return code;
}

constinit const Tier kBaseline = {.name = "baseline", .compile = compile};

} // namespace

const Tier& baseline_tier() { return kBaseline; }

} // namespace runtime
