// Where things lie in the one address space that kernel and guests share. The processor's address width and the entry
// code's first page tables decide these numbers; memory/kernel_map.hpp says what is mapped where.
#pragma once
#include <cstdint>

namespace kernel::arch {

inline constexpr uint64_t kPageSize = 4096; // bytes: the smallest piece that can be mapped

// All RAM, readable from entry on at kDirectMap + its physical address: the first kBootMapped bytes of it by the entry
// code's tables, the rest once the kernel's own map is active. What lies at kMaxPhysical and above stays unused.
inline constexpr uint64_t kDirectMap = 0xffff800000000000;
inline constexpr uint64_t kBootMapped = uint64_t{4} << 30;
inline constexpr uint64_t kMaxPhysical = uint64_t{512} << 30; // one entry of the top page table
// The kernel's image is linked at kKernelBase + its physical address.
inline constexpr uint64_t kKernelBase = 0xffffffff80000000;

// Address space to reserve from, [begin, end). Guests': from 4 GiB on, so that a 32-bit offset from null reaches
// nothing. The kernel's: stacks and devices.
inline constexpr uint64_t kGuestBegin = uint64_t{4} << 30, kGuestEnd = uint64_t{1} << 47;
inline constexpr uint64_t kReservedBegin = 0xffffc00000000000, kReservedEnd = 0xffffe00000000000;

} // namespace kernel::arch
