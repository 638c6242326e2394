// How the kernel ends: QEMU's isa-debug-exit (-device isa-debug-exit,iobase=0xf4,iosize=0x04), whose byte has room for
// a part of the statuses only, and beside it QEMU's isa-debugcon (-device isa-debugcon,iobase=0xe9), which takes any
// byte.
#pragma once
#include "kernel/system/exit_status.hpp"

namespace kernel {

// Tells whoever started the machine the status of the system, whole (exit_status.hpp). Without the device nothing
// happens.
void report_status(uint8_t status);

// Without the device (real hardware) says that the machine may be switched off, and halts.
[[noreturn]] void power_off(Outcome outcome);

} // namespace kernel
