// How the kernel ends: QEMU's isa-debug-exit (-device isa-debug-exit,iobase=0xf4,iosize=0x04).
#pragma once
#include "kernel/system/exit_status.hpp"

namespace kernel {

// Without the device (real hardware) says that the machine may be switched off, and halts.
[[noreturn]] void power_off(Outcome outcome);

} // namespace kernel
