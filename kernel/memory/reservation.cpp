#include "kernel/memory/reservation.hpp"
#include "kernel/arch/layout.hpp"
#include "kernel/memory/kernel_map.hpp"
#include "kernel/memory/physical.hpp"

namespace kernel {

AddressRanges& guest_reservations() {
  static AddressRanges ranges(arch::kGuestBegin, arch::kGuestEnd);
  return ranges;
}
AddressRanges& kernel_reservations() {
  static AddressRanges ranges(arch::kReservedBegin, arch::kReservedEnd);
  return ranges;
}

bool back_with_memory(uint64_t address, uint64_t size_bytes) {
  for (uint64_t done = 0; done < size_bytes; done += kFrameSize) {
    const auto frame = allocate_zeroed_frame();
    if (frame && map_pages(address + done, *frame, kFrameSize, arch::Access::read_write)) continue;
    if (frame) release_frame(*frame);
    drop_memory(address, done);
    return false;
  }
  return true;
}

void drop_memory(uint64_t address, uint64_t size_bytes) {
  const uint64_t end = address + size_bytes;
  auto& table = page_table();
  for (uint64_t at = table.next_mapped(address, end); at < end; at = table.next_mapped(at + kFrameSize, end))
    if (const auto frame = table.unmap_page(at)) release_frame(*frame);
  table.release_tables(address, size_bytes);
}

} // namespace kernel
