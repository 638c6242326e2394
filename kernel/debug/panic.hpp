// The end of a kernel that can no longer trust itself: message, registers, symbolised backtrace, exit status 39
// (system/exit_status.hpp). Allocates nothing and takes no lock.
#pragma once
#include "kernel/arch/traps.hpp"
#include <string_view>

namespace kernel {

[[noreturn]] void panic(std::string_view message);
// For arch::set_up_traps: a trap that nobody handles.
[[noreturn]] void panic_on_trap(const arch::Trap& trap, const arch::TrapFrame& frame);

} // namespace kernel
