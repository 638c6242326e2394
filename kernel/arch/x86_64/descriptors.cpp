// GDT, TSS and IDT. Long mode needs little of them: flat code and data, one TSS for the interrupt stacks, 256 interrupt
// gates. (Intel SDM 3, 3.5, 6.14, 8.7.)
#include "kernel/arch/x86_64/cpu.hpp"
#include "kernel/arch/x86_64/traps.hpp"

extern "C" {
extern char boot_stack_low[], boot_stack_high[], exception_stack_high[], interrupt_stack_high[],
    double_fault_stack_high[];
extern const char trap_stubs[];
}

namespace kernel::arch {
namespace {

constexpr uint16_t kCodeSelector = 8;
constexpr uint16_t kDataSelector = 16;
constexpr uint16_t kTssSelector = 24;

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

enum Ist : uint8_t { kExceptionStack = 1, kInterruptStack = 2, kDoubleFaultStack = 3 };

alignas(16) uint64_t gdt[5];
alignas(16) TaskState tss;
alignas(16) Gate idt[256];

uint8_t stack_of(unsigned vector) {
  if (vector == 2 || vector == kDoubleFault || vector == 18) return kDoubleFaultStack;
  return vector < kFirstInterrupt ? kExceptionStack : kInterruptStack;
}

} // namespace

void set_up_descriptors() {
  set_current_stack({reinterpret_cast<uint64_t>(boot_stack_low), reinterpret_cast<uint64_t>(boot_stack_high)});
  tss.ist[kExceptionStack - 1] = reinterpret_cast<uint64_t>(exception_stack_high);
  tss.ist[kInterruptStack - 1] = reinterpret_cast<uint64_t>(interrupt_stack_high);
  tss.ist[kDoubleFaultStack - 1] = reinterpret_cast<uint64_t>(double_fault_stack_high);
  tss.io_map_offset = sizeof(TaskState);

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
                   stack_of(vector),
                   0x8e,
                   static_cast<uint16_t>(stub >> 16),
                   static_cast<uint32_t>(stub >> 32),
                   0};
  }
  const TablePointer idt_pointer{sizeof(idt) - 1, reinterpret_cast<uint64_t>(idt)};
  asm volatile("lidt %0" ::"m"(idt_pointer));
}

} // namespace kernel::arch
