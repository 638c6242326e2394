// Which address ranges are reserved: bookkeeping alone, no page table. First fit over a map of free ranges; addresses
// and sizes are multiples of 4096. A page of address space always lies free between two reservations, so that running
// off the end of one faults.
#pragma once
#include <cstdint>
#include <map>
#include <optional>

namespace kernel {

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

} // namespace kernel
