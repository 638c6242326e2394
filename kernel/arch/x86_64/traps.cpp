// Dispatch of traps. The order for a fault: an active probe, the trap handler (wasm landings), the fatal one. Compiled
// for general registers only: an interrupt returns into code whose vector registers nobody saved.
#include "kernel/arch/traps.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/x86_64/instructions.hpp"
#include "kernel/arch/x86_64/per_cpu.hpp"
#include "kernel/arch/x86_64/trap_frame.hpp"

extern "C" { // traps.S
extern const char probe_landing[];
uint64_t probe_call(void (*function)(void*), void* argument, uint64_t* saved_rsp);
void call_on_stack(uint64_t stack_top, void (*function)(void*), void* argument);
void trap_dispatch(kernel::arch::TrapFrame* frame); // called by it
}

namespace kernel::arch {
namespace {

TrapHandler trap_handler = nullptr;
FatalTrapHandler fatal_handler = nullptr;
InterruptHandler interrupt_handlers[256] = {};

constexpr std::string_view kVectorNames[] = {"divide error",
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

std::string_view name_of(uint64_t vector) {
  if (vector < sizeof(kVectorNames) / sizeof(kVectorNames[0])) return kVectorNames[vector];
  return vector < kFirstInterrupt ? "reserved trap" : "unexpected interrupt";
}

TrapKind kind_of(uint64_t vector) {
  switch (vector) {
  case kPageFault: return TrapKind::memory_access;
  case kGeneralProtection: return TrapKind::protection;
  case kInvalidOpcode: return TrapKind::illegal_instruction;
  case kDivideError: return TrapKind::arithmetic;
  default: return TrapKind::other;
  }
}

Trap describe(const TrapFrame& frame) {
  Trap trap{.kind = kind_of(frame.vector),
            .pc = frame.rip,
            .sp = frame.rsp,
            .fp = frame.rbp,
            .result = frame.rax,
            .name = name_of(frame.vector),
            .vector = frame.vector,
            .error = frame.error};
  if (trap.kind == TrapKind::memory_access) { // error code: Intel SDM 3, 4.7
    trap.address = read_cr2();
    trap.mapped = (frame.error & 1) != 0;
    trap.use = (frame.error & 16) != 0  ? MemoryUse::execute
               : (frame.error & 2) != 0 ? MemoryUse::write
                                        : MemoryUse::read;
  }
  return trap;
}

void go_on_at(const Trap& landing, TrapFrame& frame) {
  constexpr uint64_t kDirectionFlag = 0x400;
  frame.rip = landing.pc;
  frame.rsp = landing.sp;
  frame.rbp = landing.fp;
  frame.rax = landing.result;
  frame.rflags &= ~kDirectionFlag;
}

[[noreturn]] void die(const Trap& trap, const TrapFrame& frame) {
  fatal_handler(trap, frame);
  halt();
}

} // namespace

Registers registers_of(const TrapFrame& f) {
  return {.items = {{"rax", f.rax},
                    {"rbx", f.rbx},
                    {"rcx", f.rcx},
                    {"rdx", f.rdx},
                    {"rsi", f.rsi},
                    {"rdi", f.rdi},
                    {"rbp", f.rbp},
                    {"rsp", f.rsp},
                    {" r8", f.r8},
                    {" r9", f.r9},
                    {"r10", f.r10},
                    {"r11", f.r11},
                    {"r12", f.r12},
                    {"r13", f.r13},
                    {"r14", f.r14},
                    {"r15", f.r15},
                    {"rip", f.rip},
                    {"cr3", read_cr3()},
                    {"flags", f.rflags}},
          .count = 19};
}

void set_up_traps(FatalTrapHandler fatal) {
  fatal_handler = fatal;
  set_up_descriptors();
}
void set_trap_handler(TrapHandler handler) { trap_handler = handler; }
void set_interrupt_handler(uint8_t vector, InterruptHandler handler) { interrupt_handlers[vector] = handler; }

void run_on_stack(StackBounds stack, void (*function)(void*), void* argument) {
  const StackBounds previous = current_stack();
  set_current_stack(stack);
  call_on_stack(stack.high, function, argument);
  set_current_stack(previous);
}

ProbeResult probe(void (*function)(void*), void* argument) {
  auto& state = this_processor().probe;
  const StackBounds stack = current_stack();
  state.active = true;
  const bool trapped = probe_call(function, argument, &state.rsp) != 0;
  state.active = false;
  set_current_stack(stack); // the function may have died on another
  return trapped ? ProbeResult{true, state.trap} : ProbeResult{};
}

} // namespace kernel::arch

using namespace kernel::arch;

extern "C" void trap_dispatch(TrapFrame* frame) {
  if (frame->vector >= kFirstInterrupt) {
    if (frame->vector == kSpuriousInterrupt) return;
    if (const InterruptHandler handler = interrupt_handlers[frame->vector]) return handler();
    die(describe(*frame), *frame);
  }
  Trap trap = describe(*frame);
  if (auto& probe = this_processor().probe; probe.active) {
    probe.active = false;
    probe.trap = trap;
    frame->rip = reinterpret_cast<uint64_t>(probe_landing);
    frame->rsp = probe.rsp;
    frame->rax = 1;
    return;
  }
  if (trap.kind != TrapKind::other && trap_handler && trap_handler(trap)) return go_on_at(trap, *frame);
  die(trap, *frame);
}
