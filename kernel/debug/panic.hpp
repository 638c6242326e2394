// The end of a kernel that can no longer trust itself: message, registers, symbolised backtrace, exit status 39
// (system/exit_status.hpp). Allocates nothing and takes no lock.
#pragma once
#include <cstdint>
#include <string_view>

namespace kernel {

namespace arch {
struct TrapFrame;
}

[[noreturn]] void panic(std::string_view message);
[[noreturn]] void panic_trap(const arch::TrapFrame& frame, uint64_t address);

} // namespace kernel
