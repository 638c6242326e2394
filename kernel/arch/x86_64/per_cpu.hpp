// What a processor has of its own, begun by the part that the whole kernel sees (arch/per_cpu.hpp). The GS base points
// to it: traps.S reads current_stack through it.
#pragma once
#include "kernel/arch/per_cpu.hpp"
#include "kernel/arch/traps.hpp"
#include <cstddef>

namespace kernel::arch {

// Intel SDM 3, 8.7.
struct [[gnu::packed]] TaskState {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7]; // ist[0] is IST 1
  uint64_t reserved2;
  uint16_t reserved3;
  uint16_t io_map_offset;
};
static_assert(sizeof(TaskState) == 104);

// Stacks that the processor itself switches to: TaskState::ist holds their tops, in this order.
enum TrapStack : uint8_t { kExceptionStack, kInterruptStack, kDoubleFaultStack, kTrapStackCount };

struct Processor : PerCpu {
  struct {
    bool active = false;
    uint64_t rsp = 0; // of probe_call's frame
    Trap trap;
  } probe;
  StackBounds start_stack; // kernel_main's
  StackBounds trap_stacks[kTrapStackCount];
  alignas(16) uint64_t gdt[5] = {};
  alignas(16) TaskState tss = {};
  // Thread-local variables and what lies at the thread pointer (start.cpp).
  static constexpr size_t kThreadBlockSize = 8192, kThreadBlockAlign = 64;
  alignas(kThreadBlockAlign) char thread_block[kThreadBlockSize] = {};
};
static_assert(offsetof(PerCpu, self) == 0 && offsetof(PerCpu, stack) == 8); // traps.S

// Not in the function that sets the GS base: the compiler may read it before.
inline Processor& this_processor() {
  PerCpu* self;
  asm("movq %%gs:0, %0" : "=r"(self));
  return *static_cast<Processor*>(self);
}

// The stack pointer must lie inside of `bounds` or on a trap's stack.
inline void set_current_stack(StackBounds bounds) {
  // While the two disagree with rsp a trap's frame stays on the IST stack: the order of the writes does not matter.
  this_processor().stack = bounds;
}

// Descriptor tables, task state and trap entries of this processor.
void set_up_descriptors();

} // namespace kernel::arch
