// Whether this processor has what the emitter uses beyond x86-64's first version.
#pragma once
#include "runtime/types/error.hpp"

namespace runtime::x86_64 {

// Unsupported, naming the first instruction set that is missing. Thread-safe.
[[nodiscard]] Result<void> check_processor();

// Whether vector instructions may be written with VEX prefixes: the processor has AVX2, and the operating system (or
// the kernel) has switched on and keeps the state that goes with it. Thread-safe.
[[nodiscard]] bool has_avx2();

} // namespace runtime::x86_64
