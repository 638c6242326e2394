// Physical memory as the kernel sees it: a direct map of all RAM (arch/layout.hpp), and the machine's one frame
// allocator.
#pragma once
#include "kernel/arch/layout.hpp"
#include "kernel/boot/boot_info.hpp"
#include "kernel/memory/frames.hpp"

namespace kernel {

static_assert(kFrameSize == arch::kPageSize); // what is mapped is whole frames

inline std::byte* direct(uint64_t physical) { return reinterpret_cast<std::byte*>(arch::kDirectMap + physical); }
inline uint64_t physical_of_direct(const void* address) {
  return reinterpret_cast<uint64_t>(address) - arch::kDirectMap;
}

// The frames of the memory map's usable ranges, without the first MiB, the kernel, the boot structures and modules.
// Works on what is mapped from entry on. Panics when there is no room for the bitmap.
void set_up_frames(const BootInfo& info);
FrameBitmap& frames();

// The frame's physical address, its bytes zero; nothing when memory is exhausted.
[[nodiscard]] std::optional<uint64_t> allocate_zeroed_frame();
void release_frame(uint64_t physical); // panics on a double free

} // namespace kernel
