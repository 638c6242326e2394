#include "kernel/arch/x86_64/per_cpu.hpp"
#include "kernel/arch/layout.hpp"

namespace kernel::arch {

PerCpu& this_cpu() { return this_processor(); }

StackBounds current_stack() { return this_processor().stack; }

bool in_stack_guard(uint64_t address) {
  const Processor& processor = this_processor();
  const auto in_guard_of = [&](StackBounds stack) { return stack.low - 1 - address < kPageSize; };
  for (const StackBounds& stack : processor.trap_stacks)
    if (in_guard_of(stack)) return true;
  return in_guard_of(processor.start_stack);
}

} // namespace kernel::arch
