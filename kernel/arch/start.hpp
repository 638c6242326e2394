// The way from the first instruction into the kernel: the entry code prepares the processor (a stack, the state of
// per_cpu.hpp, the thread block) and calls kernel_main.
#pragma once
#include <cstdint>

namespace kernel {

// Defined by main.cpp. Which boot protocol the loader spoke, and the physical address of what it says
// (boot/boot_info.hpp).
[[noreturn]] void kernel_main(uint32_t protocol, uint64_t information);

} // namespace kernel
