#include "kernel/memory/reservation.hpp"
#include "kernel/arch/x86_64/page_table.hpp"
#include "kernel/memory/physical.hpp"

namespace kernel {
AddressRanges& guest_reservations() {
  // From 4 GiB on, so that a 32-bit offset from null reaches nothing.
  static AddressRanges ranges(uint64_t{4} << 30, uint64_t{1} << 47);
  return ranges;
}
AddressRanges& kernel_reservations() {
  static AddressRanges ranges(0xffffc00000000000, 0xffffe00000000000);
  return ranges;
}

bool back_with_memory(uint64_t address, uint64_t size_bytes) {
  for (uint64_t done = 0; done < size_bytes; done += kFrameSize) {
    const auto frame = allocate_zeroed_frame();
    if (frame && arch::page_table().map(address + done, *frame, kFrameSize, arch::Access::read_write)) continue;
    if (frame) release_frame(*frame);
    drop_memory(address, done);
    return false;
  }
  return true;
}

void drop_memory(uint64_t address, uint64_t size_bytes) {
  const uint64_t end = address + size_bytes;
  auto& table = arch::page_table();
  for (uint64_t at = table.next_mapped(address, end); at < end; at = table.next_mapped(at + kFrameSize, end))
    if (const auto frame = table.unmap_page(at)) release_frame(*frame);
  arch::page_table().release_tables(address, size_bytes);
}

} // namespace kernel
