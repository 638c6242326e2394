// How a system ends, in three numbers, and the way from each to the next. The kernel and whoever starts QEMU (`kpkg
// system boot`, the tests) both read this file; the numbers are an interface, so none of them ever changes its meaning.
//
//   status    of the system: that of its first awaited instance that failed, 0 to 255 as a shell shows it
//   Outcome   the byte v that the kernel writes to the exit device when it ends, for whatever reason
//             (beside it the status itself, one byte, on the debug console: drivers/exit_device.hpp)
//   process   QEMU's own exit status, 2v + 1 (isa-debug-exit): never 0, so that QEMU's success (a triple fault ends it
//             with 0) is not the kernel's
#pragma once
#include <cstdint>
#include <optional>

namespace kernel {

// Status of an instance that did not end by itself.
inline constexpr uint32_t kStatusNotStarted = 125; // does not compile or link, or its provider is gone
inline constexpr uint32_t kStatusTrapped = 134;    // as a shell shows SIGABRT

// Values from kFirstStatus to kLastStatus stand for a system's status from 1 to 96.
enum class Outcome : uint8_t {
  success = 0x10,       // process 33: every awaited instance ended with 0; all tests passed
  system_failed = 0x11, // 35: the system ended with a status that has no value of its own: the debug console says which
  refused = 0x12,       // 37: the boot image or its generation is not what the command line and the signature promise
  panicked = 0x13,      // 39: a fault of the kernel itself
  tests_failed = 0x14,  // 41
  bad_command_line = 0x15, // 43: an unknown or malformed option, or nothing to boot
  not_started = 0x16,      // 45: status 125
  trapped = 0x17,          // 47: status 134
};
inline constexpr uint32_t kFirstStatus = 0x20; // process 65 + 2 (n - 1) for status n
inline constexpr uint32_t kLastStatus = 0x7f;

[[nodiscard]] constexpr Outcome outcome_of_status(uint32_t status) {
  if (status == 0) return Outcome::success;
  if (status == kStatusNotStarted) return Outcome::not_started;
  if (status == kStatusTrapped) return Outcome::trapped;
  if (status <= kLastStatus - kFirstStatus + 1) return static_cast<Outcome>(kFirstStatus + status - 1);
  return Outcome::system_failed;
}

// Nothing where the outcome is no system's end, or does not say with which status.
[[nodiscard]] constexpr std::optional<uint32_t> status_of_outcome(Outcome outcome) {
  if (outcome == Outcome::success) return 0;
  if (outcome == Outcome::not_started) return kStatusNotStarted;
  if (outcome == Outcome::trapped) return kStatusTrapped;
  const auto value = static_cast<uint32_t>(outcome);
  if (value >= kFirstStatus && value <= kLastStatus) return value - kFirstStatus + 1;
  return std::nullopt;
}

[[nodiscard]] constexpr int process_status_of(Outcome outcome) { return static_cast<int>(outcome) * 2 + 1; }

// Nothing where no kernel wrote it: QEMU ended by itself.
[[nodiscard]] constexpr std::optional<Outcome> outcome_of_process_status(int status) {
  if (status < 0 || status % 2 == 0) return std::nullopt;
  const int value = status / 2;
  const bool named = value >= static_cast<int>(Outcome::success) && value <= static_cast<int>(Outcome::trapped);
  const bool numbered = value >= static_cast<int>(kFirstStatus) && value <= static_cast<int>(kLastStatus);
  if (!named && !numbered) return std::nullopt;
  return static_cast<Outcome>(value);
}

} // namespace kernel
