// The way from arch/x86_64/entry.S into C++.
#pragma once
#include <cstdint>

extern "C" [[noreturn]] void kernel_start(uint32_t protocol, uint64_t information);

namespace kernel {

[[noreturn]] void kernel_main(uint32_t protocol, uint64_t information); // main.cpp

namespace arch {
// False when the program's thread-local variables are larger than the block reserved for them.
bool set_up_thread_block();
} // namespace arch

} // namespace kernel
