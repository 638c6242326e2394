// Address space by the range: reserve, back pieces of it with frames, release. Costs nothing for what is only reserved.
// Two regions: the lower half for guests (linear memories of 4 GiB and their guards, code), and one of the kernel's
// half for stacks and devices. A guard page of address space lies between any two reservations.
#pragma once
#include "kernel/memory/address_ranges.hpp"

namespace kernel {

AddressRanges& guest_reservations();
AddressRanges& kernel_reservations();

// Backs [address, address + size) of a reservation with zeroed frames. On exhaustion nothing stays backed. Pages must
// not be backed already.
[[nodiscard]] bool back_with_memory(uint64_t address, uint64_t size_bytes);
// Gives back what is backed in the range, frames and tables.
void drop_memory(uint64_t address, uint64_t size_bytes);

} // namespace kernel
