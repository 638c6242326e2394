// The state that each processor has of its own. All of it: what is in use on one processor and means another thing on
// the next stands here or, where it is made of the processor's own structures (descriptors, the thread block), in
// arch/x86_64/per_cpu.hpp, whose structure begins with this one. Only its processor touches it; what an interrupt
// changes is volatile.
#pragma once
#include "kernel/arch/stack.hpp"
#include <cstdint>

namespace kernel::arch {

struct PerCpu {
  PerCpu* self = nullptr;           // first: how this_cpu() finds it through the processor's register
  StackBounds stack;                // the one that runs now; the entry code of traps reads it
  volatile uint64_t tick_count = 0; // of this processor's timer
  uint32_t reports_begun = 0;       // by panics on this processor: more than one is a panic inside of a panic
};

[[nodiscard]] PerCpu& this_cpu();

} // namespace kernel::arch
