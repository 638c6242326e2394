// Validation of whole modules without generating code.
#pragma once
#include "runtime/binary/module.hpp"

namespace runtime {

// Validates all bodies of a decoded module; the first error in the order of the functions.
[[nodiscard]] Result<void> validate_module(const DecodedModule& module, const TypeRegistry& types);

} // namespace runtime
