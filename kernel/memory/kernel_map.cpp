#include "kernel/memory/kernel_map.hpp"
#include "kernel/arch/x86_64/page_table.hpp"
#include "kernel/debug/panic.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/memory/reservation.hpp"

extern "C" {
extern const char kernel_text_begin[], kernel_text_end[], kernel_rodata_begin[], kernel_rodata_end[],
    kernel_data_begin[], kernel_data_end[], kernel_symbols_end[];
extern const char boot_stack_guard[], exception_stack_guard[], interrupt_stack_guard[], double_fault_stack_guard[];
}

namespace kernel {
namespace {

constinit arch::PageTable machine_table;

uint64_t address_of(const char* symbol) { return reinterpret_cast<uint64_t>(symbol); }

void must(bool mapped) {
  if (!mapped) panic("no memory for the kernel's page tables");
}

void map_image(const char* begin, const char* end, arch::Access access) {
  for (uint64_t at = address_of(begin); at < address_of(end); at += kFrameSize) {
    if (at == address_of(boot_stack_guard) || at == address_of(exception_stack_guard) ||
        at == address_of(interrupt_stack_guard) || at == address_of(double_fault_stack_guard))
      continue;
    must(machine_table.map(at, at - kKernelBase, kFrameSize, access));
  }
}

// RAM [base, end), frames; where the kernel's own image lies, only its data is writable through the direct map.
void map_direct(uint64_t base, uint64_t end) {
  const uint64_t fixed_begin = address_of(kernel_text_begin) - kKernelBase;
  const uint64_t fixed_end = address_of(kernel_rodata_end) - kKernelBase;
  const auto piece = [&](uint64_t from, uint64_t to, arch::Access access) {
    if (from < base) from = base;
    if (to > end) to = end;
    if (from < to) must(machine_table.map(kDirectMap + from, from, to - from, access, true));
  };
  piece(0, fixed_begin, arch::Access::read_write);
  piece(fixed_begin, fixed_end, arch::Access::read);
  piece(fixed_end, kMaxPhysical, arch::Access::read_write);
}

} // namespace

arch::PageTable& arch::page_table() { return machine_table; }

void set_up_kernel_map(const BootInfo& info) {
  machine_table = arch::PageTable::create();
  map_image(kernel_text_begin, kernel_text_end, arch::Access::execute);
  map_image(kernel_rodata_begin, kernel_rodata_end, arch::Access::read);
  map_image(kernel_data_begin, kernel_data_end, arch::Access::read_write);
  map_image(kernel_data_end, kernel_symbols_end, arch::Access::read);

  // The first MiB holds firmware tables whatever the map says. Ranges may touch or overlap and come in any order: walk
  // them by ascending base.
  uint64_t mapped_to = 1 << 20;
  map_direct(0, mapped_to);
  for (;;) {
    uint64_t base = ~uint64_t{0};
    uint64_t end = 0;
    for (size_t i = 0; i < info.range_count; ++i) {
      const MemoryRange& range = info.ranges[i];
      if (range.kind == MemoryKind::reserved) continue;
      uint64_t from = range.base / kFrameSize * kFrameSize;
      const uint64_t to = (range.base + range.size + kFrameSize - 1) / kFrameSize * kFrameSize;
      if (from < mapped_to) from = mapped_to;
      if (from < to && from < base) base = from, end = to;
    }
    if (base >= kMaxPhysical) break;
    if (end > kMaxPhysical) end = kMaxPhysical;
    map_direct(base, end);
    mapped_to = end;
  }
  machine_table.activate();
}

volatile uint32_t* map_device(uint64_t physical, uint64_t size) {
  const uint64_t offset = physical % kFrameSize;
  const uint64_t bytes = (offset + size + kFrameSize - 1) / kFrameSize * kFrameSize;
  const auto address = kernel_reservations().reserve(bytes);
  if (!address) panic("no address space for a device");
  must(machine_table.map(*address, physical - offset, bytes, arch::Access::device));
  return reinterpret_cast<volatile uint32_t*>(*address + offset);
}

} // namespace kernel
