// Faults are caught, and say what happened.
#include "kernel/arch/x86_64/traps.hpp"
#include "kernel/debug/kernel_test.hpp"

using namespace kernel;

KERNEL_TEST("an invalid instruction traps") {
  const auto result = arch::probe([](void*) { asm volatile("ud2"); }, nullptr);
  CHECK(result.trapped);
  CHECK(result.vector == arch::kInvalidOpcode);
}
