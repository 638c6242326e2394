#include "kernel/memory/kernel_map.hpp"
#include "kernel/arch/layout.hpp"
#include "kernel/arch/stack.hpp"
#include "kernel/debug/panic.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/memory/reservation.hpp"

extern "C" {
extern const char kernel_text_begin[], kernel_text_end[], kernel_rodata_begin[], kernel_rodata_end[],
    kernel_data_begin[], kernel_data_end[], kernel_symbols_end[];
}

namespace kernel {
namespace {

constinit arch::PageTable machine_table;
constexpr arch::FrameSource kFrameSource{allocate_zeroed_frame, release_frame};

uint64_t address_of(const char* symbol) { return reinterpret_cast<uint64_t>(symbol); }

void must(bool mapped) {
  if (!mapped) panic("no memory for the kernel's page tables");
}

void map_image(const char* begin, const char* end, arch::Access access) {
  for (uint64_t at = address_of(begin); at < address_of(end); at += kFrameSize) {
    if (arch::in_stack_guard(at)) continue;
    must(map_pages(at, at - arch::kKernelBase, kFrameSize, access));
  }
}

// RAM [base, end), frames; where the kernel's own image lies, only its data is writable through the direct map.
void map_direct(uint64_t base, uint64_t end) {
  const uint64_t fixed_begin = address_of(kernel_text_begin) - arch::kKernelBase;
  const uint64_t fixed_end = address_of(kernel_rodata_end) - arch::kKernelBase;
  const auto piece = [&](uint64_t from, uint64_t to, arch::Access access) {
    if (from < base) from = base;
    if (to > end) to = end;
    if (from < to) must(map_pages(arch::kDirectMap + from, from, to - from, access, true));
  };
  piece(0, fixed_begin, arch::Access::read_write);
  piece(fixed_begin, fixed_end, arch::Access::read);
  piece(fixed_end, arch::kMaxPhysical, arch::Access::read_write);
}

} // namespace

arch::PageTable& page_table() { return machine_table; }

bool map_pages(uint64_t address, uint64_t physical, uint64_t size_bytes, arch::Access access, bool large) {
  switch (machine_table.map(address, physical, size_bytes, access, large)) {
  case arch::MapResult::mapped: return true;
  case arch::MapResult::no_memory: return false;
  case arch::MapResult::occupied: panic("a page is mapped twice");
  }
  return false;
}

void set_up_kernel_map(const BootInfo& info) {
  const auto table = arch::PageTable::create(kFrameSource);
  if (!table) panic("no memory for the top page table");
  machine_table = *table;
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
    if (base >= arch::kMaxPhysical) break;
    if (end > arch::kMaxPhysical) end = arch::kMaxPhysical;
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
  must(map_pages(*address, physical - offset, bytes, arch::Access::device));
  return reinterpret_cast<volatile uint32_t*>(*address + offset);
}

} // namespace kernel
