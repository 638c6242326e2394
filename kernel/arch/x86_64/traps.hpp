// Traps: what the processor pushes, who handles what. One processor; handlers run with interrupts off.
#pragma once
#include <cstdint>

namespace kernel::arch {

// As traps.S pushes it; changing one means changing the other.
struct TrapFrame {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 176);

enum Vector : uint8_t {
  kDivideError = 0,
  kBreakpoint = 3,
  kInvalidOpcode = 6,
  kDoubleFault = 8,
  kGeneralProtection = 13,
  kPageFault = 14,
  kFirstInterrupt = 32,
  kTimerInterrupt = 32,
  kSpuriousInterrupt = 255,
};
const char* vector_name(uint64_t vector); // "page fault", for messages

// GDT, TSS with the IST stacks, IDT with all gates. Call once, before anything may fault.
void set_up_descriptors();

// The stack that runs now, [low, high): traps.S moves frames only inside of it. Set at every switch of stacks.
struct StackBounds {
  uint64_t low, high;
};
StackBounds current_stack();
void set_current_stack(StackBounds bounds);

// Asked for #PF, #UD, #DE, #GP in turn: true when it has pointed the frame elsewhere (a landing), so that the trap is
// over. `address` is the faulting address of #PF, otherwise 0. Must not allocate. nullptr: none.
using FaultHandler = bool (*)(TrapFrame& frame, uint64_t address);
void set_fault_handler(FaultHandler handler);

// Called with interrupts off for vectors from kFirstInterrupt on. Compiled without vector registers, or saving them.
using InterruptHandler = void (*)();
void set_interrupt_handler(uint8_t vector, InterruptHandler handler);

// Calls function(argument); what it trapped with, when it did. For reading memory that may not be there (a panic's
// backtrace) and for tests. Destructors between the fault and the call do not run. Does not nest.
struct ProbeResult {
  bool trapped = false;
  uint8_t vector = 0;
  uint64_t error = 0;
  uint64_t address = 0; // of a #PF
};
ProbeResult probe(void (*function)(void*), void* argument);

} // namespace kernel::arch

extern "C" void trap_dispatch(kernel::arch::TrapFrame* frame);
extern "C" void run_on_stack(uint64_t stack_top, void (*function)(void*), void* argument);
