// The stack that runs now, and running on another. The entry code of traps trusts these bounds: it puts registers only
// inside of them.
#pragma once
#include <cstdint>

namespace kernel::arch {

struct StackBounds { // [low, high)
  uint64_t low = 0, high = 0;
};
[[nodiscard]] StackBounds current_stack();

// Calls function(argument) at the top of `stack`, which is the current one meanwhile. The chain of frame pointers goes
// on through the switch. Exceptions must not leave the function.
void run_on_stack(StackBounds stack, void (*function)(void*), void* argument);

// Whether an address lies in the guard page below one of the stacks that the kernel's image brings along: those pages
// stay unmapped.
[[nodiscard]] bool in_stack_guard(uint64_t address);

} // namespace kernel::arch
