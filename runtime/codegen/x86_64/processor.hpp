// Whether this processor has what the emitter uses beyond x86-64's first version.
#pragma once
#include "runtime/types/error.hpp"

namespace runtime::x86_64 {

// Unsupported, naming the first instruction set that is missing. Thread-safe.
[[nodiscard]] Result<void> check_processor();

} // namespace runtime::x86_64
