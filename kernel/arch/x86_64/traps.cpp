// Dispatch of traps. The order for a fault: an active probe, the fault handler (wasm landings), panic. Compiled for
// general registers only: an interrupt returns into code whose vector registers nobody saved.
#include "kernel/arch/x86_64/traps.hpp"
#include "kernel/arch/x86_64/cpu.hpp"
#include "kernel/debug/panic.hpp"

extern "C" {
extern char boot_stack_low[], boot_stack_high[];
uint64_t current_stack_low = 0;
uint64_t current_stack_high = 0;
extern const char probe_landing[];
uint64_t probe_call(void (*function)(void*), void* argument, uint64_t* saved_rsp);
}

namespace kernel::arch {
namespace {

FaultHandler fault_handler = nullptr;
InterruptHandler interrupt_handlers[256] = {};
struct {
  bool active = false;
  uint64_t rsp = 0;
  ProbeResult result;
} probe_state;

constexpr const char* kVectorNames[] = {"divide error",
                                        "debug exception",
                                        "non-maskable interrupt",
                                        "breakpoint",
                                        "overflow",
                                        "bound range exceeded",
                                        "invalid opcode",
                                        "device not available",
                                        "double fault",
                                        "coprocessor segment overrun",
                                        "invalid TSS",
                                        "segment not present",
                                        "stack fault",
                                        "general protection fault",
                                        "page fault",
                                        "reserved trap 15",
                                        "x87 floating-point error",
                                        "alignment check",
                                        "machine check",
                                        "SIMD floating-point error",
                                        "virtualization exception",
                                        "control protection exception"};

} // namespace

const char* vector_name(uint64_t vector) {
  if (vector < sizeof(kVectorNames) / sizeof(kVectorNames[0])) return kVectorNames[vector];
  return vector < kFirstInterrupt ? "reserved trap" : "unexpected interrupt";
}

StackBounds current_stack() { return {current_stack_low, current_stack_high}; }
void set_current_stack(StackBounds bounds) {
  // While the two disagree with rsp the frame stays on the IST stack: the order of the writes does not matter.
  current_stack_low = bounds.low;
  current_stack_high = bounds.high;
}
void set_fault_handler(FaultHandler handler) { fault_handler = handler; }
void set_interrupt_handler(uint8_t vector, InterruptHandler handler) { interrupt_handlers[vector] = handler; }

ProbeResult probe(void (*function)(void*), void* argument) {
  const StackBounds stack = current_stack();
  probe_state.active = true;
  const uint64_t trapped = probe_call(function, argument, &probe_state.rsp);
  probe_state.active = false;
  set_current_stack(stack); // the function may have died on another
  return trapped ? probe_state.result : ProbeResult{};
}

} // namespace kernel::arch

using namespace kernel::arch;

extern "C" void trap_dispatch(TrapFrame* frame) {
  const uint64_t address = frame->vector == kPageFault ? read_cr2() : 0;
  if (frame->vector >= kFirstInterrupt) {
    if (frame->vector == kSpuriousInterrupt) return;
    if (const InterruptHandler handler = interrupt_handlers[frame->vector]) return handler();
    kernel::panic_trap(*frame, address);
  }
  if (probe_state.active) {
    probe_state.active = false;
    probe_state.result = {true, static_cast<uint8_t>(frame->vector), frame->error, address};
    frame->rip = reinterpret_cast<uint64_t>(probe_landing);
    frame->rsp = probe_state.rsp;
    frame->rax = 1;
    return;
  }
  const bool recoverable = frame->vector == kPageFault || frame->vector == kInvalidOpcode ||
                           frame->vector == kDivideError || frame->vector == kGeneralProtection;
  if (recoverable && fault_handler && fault_handler(*frame, address)) return;
  kernel::panic_trap(*frame, address);
}
