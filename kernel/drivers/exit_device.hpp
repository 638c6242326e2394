// How the kernel ends. QEMU's isa-debug-exit (-device isa-debug-exit,iobase=0xf4,iosize=0x04) turns a byte v written to
// its port into the process status 2v + 1, so that 0 never means success (a triple fault ends QEMU with 0).
#pragma once
#include <cstdint>

namespace kernel {

// These numbers are an interface: `kpkg system boot` and the tests read them. Values from kFirstStatus on say with
// which status from 1 to 96 a system ended.
enum class Outcome : uint8_t {
  success = 0x10,       // QEMU status 33: every awaited instance ended with 0; all tests passed
  system_failed = 0x11, // 35: the system ended with a status that has no value of its own; the serial line says which
  refused = 0x12,       // 37: the boot image or its generation is not what the command line and the signature promise
  panicked = 0x13,      // 39: a fault of the kernel itself
  tests_failed = 0x14,  // 41
  bad_command_line = 0x15, // 43: an unknown or malformed option, or nothing to boot
  not_started = 0x16,      // 45: the system's status is 125: an awaited instance could not be started
  trapped = 0x17,          // 47: the system's status is 134: an awaited instance trapped
};
inline constexpr uint32_t kFirstStatus = 0x20; // 65 + 2 (n - 1) for status n
inline constexpr uint32_t kLastStatus = 0x7f;

// How a system's exit status leaves the machine.
[[nodiscard]] constexpr Outcome outcome_of_status(uint32_t status) {
  if (status == 0) return Outcome::success;
  if (status == 125) return Outcome::not_started;
  if (status == 134) return Outcome::trapped;
  if (status <= kLastStatus - kFirstStatus + 1) return static_cast<Outcome>(kFirstStatus + status - 1);
  return Outcome::system_failed;
}

// Without the device (real hardware) says that the machine may be switched off, and halts.
[[noreturn]] void power_off(Outcome outcome);

} // namespace kernel
