#include "runtime/validate/validate.hpp"
#include "runtime/validate/function_validator.hpp"
#include "runtime/validate/null_generator.hpp"

namespace runtime {

static_assert(CodeGenerator<NullGenerator>);

Result<void> validate_module(const DecodedModule& module, const TypeRegistry& types) {
  NullGenerator nothing;
  FunctionValidator<NullGenerator> validator(module, types, nothing);
  for (uint32_t i = 0; i < module.bodies.size(); ++i) TRY_VOID(validator.validate(i));
  return {};
}

} // namespace runtime
