// How the kernel ends. QEMU's isa-debug-exit (-device isa-debug-exit,iobase=0xf4,iosize=0x04) turns a byte v written to
// its port into the process status 2v + 1, so that 0 never means success (a triple fault ends QEMU with 0).
#pragma once
#include <cstdint>

namespace kernel {

// These numbers are an interface: `kpkg system boot` and the tests read them.
enum class Outcome : uint8_t {
  success = 0x10,       // QEMU status 33: every awaited instance ended with 0; all tests passed
  system_failed = 0x11, // 35: the system ran and ended with another status, or an awaited instance trapped
  refused = 0x12,       // 37: the boot image or its generation is not what the command line and the signature promise
  panicked = 0x13,      // 39: a fault of the kernel itself
  tests_failed = 0x14,  // 41
  bad_command_line = 0x15, // 43: an unknown or malformed option, or nothing to boot
};

// Without the device (real hardware) says that the machine may be switched off, and halts.
[[noreturn]] void power_off(Outcome outcome);

} // namespace kernel
