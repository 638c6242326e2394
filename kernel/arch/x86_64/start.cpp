// The first C++ function. Before any code that may look at a thread-local variable or the stack protector's canary
// (fs:0x28, which prebuilt libraries read), this processor's thread block must exist; before any trap, its state.
//
// Thread block (x86-64 TLS variant II): the PT_TLS image ends at the thread pointer, rounded up to its alignment; at
// the thread pointer lies a pointer to itself, and 0x28 bytes further the canary.
#include "kernel/arch/start.hpp"
#include "kernel/arch/clock.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/x86_64/instructions.hpp"
#include "kernel/arch/x86_64/per_cpu.hpp"

extern "C" {
extern const char tls_begin[];
extern const char tls_data_size[]; // values, given as addresses by the linker
extern const char tls_total_size[];
extern const char boot_stack_low[], boot_stack_high[], exception_stack_low[], exception_stack_high[],
    interrupt_stack_low[], interrupt_stack_high[], double_fault_stack_low[], double_fault_stack_high[];

[[noreturn]] void kernel_start(uint32_t protocol, uint64_t information); // called by entry.S
}

namespace kernel::arch {
namespace {

constinit Processor boot_processor;

struct ThreadControl {
  void* self;
  uint64_t reserved[4];
  uint64_t canary;
};
static_assert(offsetof(ThreadControl, canary) == 0x28);

StackBounds bounds(const char* low, const char* high) {
  return {reinterpret_cast<uint64_t>(low), reinterpret_cast<uint64_t>(high)};
}

Processor& set_up_boot_processor() {
  Processor& processor = boot_processor;
  processor.self = &processor;
  processor.start_stack = processor.stack = bounds(boot_stack_low, boot_stack_high);
  processor.trap_stacks[kExceptionStack] = bounds(exception_stack_low, exception_stack_high);
  processor.trap_stacks[kInterruptStack] = bounds(interrupt_stack_low, interrupt_stack_high);
  processor.trap_stacks[kDoubleFaultStack] = bounds(double_fault_stack_low, double_fault_stack_high);
  write_msr(kMsrGsBase, reinterpret_cast<uint64_t>(&processor));
  return processor;
}

// False when the program's thread-local variables are larger than the block reserved for them.
bool set_up_thread_block(Processor& processor) {
  constexpr uint64_t kAlign = Processor::kThreadBlockAlign;
  const auto data_size = reinterpret_cast<uint64_t>(tls_data_size);
  const auto total_size = (reinterpret_cast<uint64_t>(tls_total_size) + kAlign - 1) & ~(kAlign - 1);
  if (total_size + sizeof(ThreadControl) > Processor::kThreadBlockSize) return false;
  for (uint64_t i = 0; i < data_size; ++i) processor.thread_block[i] = tls_begin[i];
  auto* control = reinterpret_cast<ThreadControl*>(processor.thread_block + total_size);
  control->self = control;
  const uint64_t random = random_number().value_or(cycle_count() * 0x9e3779b97f4a7c15);
  control->canary = random & ~uint64_t{0xff}; // a zero byte stops string overruns from copying it
  write_msr(kMsrFsBase, reinterpret_cast<uint64_t>(control));
  return true;
}

} // namespace
} // namespace kernel::arch

extern "C" [[noreturn]] void kernel_start(uint32_t protocol, uint64_t information) {
  kernel::arch::Processor& processor = kernel::arch::set_up_boot_processor();
  if (!kernel::arch::set_up_thread_block(processor)) kernel::arch::halt();
  kernel::kernel_main(protocol, information);
}
