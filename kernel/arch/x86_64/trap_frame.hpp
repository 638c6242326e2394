// What traps.S pushes, and the vectors that have a name here (Intel SDM 3, 6.3). Handlers run with interrupts off.
#pragma once
#include "kernel/arch/traps.hpp"

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
  kNonMaskable = 2,
  kInvalidOpcode = 6,
  kDoubleFault = 8,
  kGeneralProtection = 13,
  kPageFault = 14,
  kMachineCheck = 18,
  kFirstInterrupt = 32,
  kTimerInterrupt = 32,
  kSpuriousInterrupt = 255,
};

// Called with interrupts off for vectors from kFirstInterrupt on. Compiled without vector registers, or saving them.
using InterruptHandler = void (*)();
void set_interrupt_handler(uint8_t vector, InterruptHandler handler);

} // namespace kernel::arch
