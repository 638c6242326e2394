// GDT, TSS and IDT. Long mode needs little of them: flat code and data, one TSS for the interrupt stacks, 256 interrupt
// gates. (Intel SDM 3, 3.5, 6.14.)
#include "kernel/arch/x86_64/per_cpu.hpp"
#include "kernel/arch/x86_64/trap_frame.hpp"

extern "C" const char trap_stubs[];

namespace kernel::arch {
namespace {

constexpr uint16_t kCodeSelector = 8;
constexpr uint16_t kDataSelector = 16;
constexpr uint16_t kTssSelector = 24;

struct Gate {
  uint16_t offset_low;
  uint16_t selector;
  uint8_t ist;
  uint8_t type;
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

struct [[gnu::packed]] TablePointer {
  uint16_t limit;
  uint64_t base;
};

alignas(16) Gate idt[256]; // of all processors

TrapStack stack_of(unsigned vector) {
  if (vector == kNonMaskable || vector == kDoubleFault || vector == kMachineCheck) return kDoubleFaultStack;
  return vector < kFirstInterrupt ? kExceptionStack : kInterruptStack;
}

} // namespace

void set_up_descriptors() {
  Processor& processor = this_processor();
  TaskState& tss = processor.tss;
  for (unsigned stack = 0; stack < kTrapStackCount; ++stack) tss.ist[stack] = processor.trap_stacks[stack].high;
  tss.io_map_offset = sizeof(TaskState);

  auto& gdt = processor.gdt;
  const auto base = reinterpret_cast<uint64_t>(&tss);
  gdt[kCodeSelector / 8] = 0x00af9a000000ffff;
  gdt[kDataSelector / 8] = 0x00cf92000000ffff;
  gdt[kTssSelector / 8] =
      (sizeof(TaskState) - 1) | (base & 0xffffff) << 16 | uint64_t{0x89} << 40 | (base >> 24 & 0xff) << 56;
  gdt[kTssSelector / 8 + 1] = base >> 32;
  const TablePointer gdt_pointer{sizeof(gdt) - 1, reinterpret_cast<uint64_t>(gdt)};
  asm volatile("lgdt %0\n"
               "pushq %1\n"
               "leaq 1f(%%rip), %%rax\n"
               "pushq %%rax\n"
               "lretq\n"
               "1: movl %2, %%eax\n"
               "movl %%eax, %%ds\n"
               "movl %%eax, %%es\n"
               "movl %%eax, %%ss\n"
               "ltr %w3\n" ::"m"(gdt_pointer),
               "i"(uint64_t{kCodeSelector}), "i"(uint32_t{kDataSelector}), "r"(uint32_t{kTssSelector})
               : "rax", "memory");

  for (unsigned vector = 0; vector < 256; ++vector) {
    const uint64_t stub = reinterpret_cast<uint64_t>(trap_stubs) + vector * 16;
    idt[vector] = {static_cast<uint16_t>(stub),
                   kCodeSelector,
                   static_cast<uint8_t>(stack_of(vector) + 1),
                   0x8e,
                   static_cast<uint16_t>(stub >> 16),
                   static_cast<uint32_t>(stub >> 32),
                   0};
  }
  const TablePointer idt_pointer{sizeof(idt) - 1, reinterpret_cast<uint64_t>(idt)};
  asm volatile("lidt %0" ::"m"(idt_pointer));
}

} // namespace kernel::arch
