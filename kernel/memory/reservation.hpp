// Address space by the range: reserve, back pieces of it with frames, release. Costs nothing for what is only reserved.
// Two regions: the lower half for guests (linear memories of 4 GiB and their guards, code), and one of the kernel's
// half for stacks and devices. A guard page of address space lies between any two reservations.
#pragma once
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

namespace kernel {

// First fit over a map of free ranges; addresses and sizes are multiples of 4096. Pure bookkeeping.
class AddressRanges {
public:
  AddressRanges(uint64_t begin, uint64_t end);
  [[nodiscard]] std::optional<uint64_t> reserve(uint64_t size_bytes); // never adjacent to another
  // False: no such reservation.
  [[nodiscard]] bool release(uint64_t address, uint64_t size_bytes);
  // Whether [address, address + size) lies inside of one reservation.
  [[nodiscard]] bool contains(uint64_t address, uint64_t size_bytes) const;
  [[nodiscard]] uint64_t reserved_bytes() const { return reserved_bytes_; }

private:
  std::map<uint64_t, uint64_t> free_;     // base → size
  std::map<uint64_t, uint64_t> reserved_; // base → size, without the gap
  uint64_t reserved_bytes_ = 0;
};

AddressRanges& guest_reservations();
AddressRanges& kernel_reservations();

// Backs [address, address + size) of a reservation with zeroed frames. On exhaustion nothing stays backed. Pages must
// not be backed already.
[[nodiscard]] bool back_with_memory(uint64_t address, uint64_t size_bytes);
// Gives back what is backed in the range, frames and tables.
void drop_memory(uint64_t address, uint64_t size_bytes);

} // namespace kernel
