// The kernel's final address space:
//   0x0000000100000000 …  guests: linear memories and code (memory/reservation.hpp)
//   0xffff800000000000 …  direct map of RAM: RW+NX, the kernel's own text and read-only data R+NX
//   0xffffc00000000000 …  devices, stacks with guard pages (memory/reservation.hpp)
//   0xffffffff80100000 …  the kernel: text R+X, read-only data R+NX, data RW+NX, symbols R+NX; guards below the stacks
// (The addresses are arch/layout.hpp's.) The entry code's identity map is gone. Page tables take their memory from the
// machine's frames.
#pragma once
#include "kernel/arch/page_table.hpp"
#include "kernel/boot/boot_info.hpp"

namespace kernel {

// Builds and activates it. Panics without memory.
void set_up_kernel_map(const BootInfo& info);

arch::PageTable& page_table(); // the machine's, after set_up_kernel_map()

// page_table().map(). False: out of memory for tables (pages mapped so far stay). A page that is mapped already is a
// panic.
[[nodiscard]] bool map_pages(uint64_t address, uint64_t physical, uint64_t size_bytes, arch::Access access,
                             bool large = false);

// Maps a device's registers, uncached.
volatile uint32_t* map_device(uint64_t physical, uint64_t size);

} // namespace kernel
