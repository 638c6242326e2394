// Physical memory as the kernel sees it: a direct map of all RAM at kDirectMap, and the machine's one frame allocator.
#pragma once
#include "kernel/boot/boot_info.hpp"
#include "kernel/memory/frames.hpp"

namespace kernel {

inline constexpr uint64_t kDirectMap = 0xffff800000000000;
inline constexpr uint64_t kKernelBase = 0xffffffff80000000;
inline constexpr uint64_t kMaxPhysical = uint64_t{512} << 30; // one entry of the top page table

inline std::byte* direct(uint64_t physical) { return reinterpret_cast<std::byte*>(kDirectMap + physical); }
inline uint64_t physical_of_direct(const void* address) { return reinterpret_cast<uint64_t>(address) - kDirectMap; }

// The frames of the memory map's usable ranges, without the first MiB, the kernel, the boot structures and modules.
// Needs the direct map of the first 4 GiB. Panics when there is no room for the bitmap.
void set_up_frames(const BootInfo& info);
FrameBitmap& frames();

// The frame's physical address, its bytes zero; nothing when memory is exhausted.
[[nodiscard]] std::optional<uint64_t> allocate_zeroed_frame();
void release_frame(uint64_t physical); // panics on a double free

} // namespace kernel
