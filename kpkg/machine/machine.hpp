// A virtual machine for one boot: QEMU with software emulation, the serial line on standard output.
#pragma once
#include "kpkg/cli/context.hpp"

namespace kpkg {

struct MachineOptions {
  std::string kernel; // empty: the installed kernel.elf
  unsigned memory_mib = 512;
  unsigned timeout_s = 0;
};

enum class MachineOutcome : uint8_t {
  ended,   // the system ran; `status` is its exit status (0…255)
  refused, // the kernel did not accept the image
  panicked,
  timed_out,
  crashed, // QEMU ended otherwise (a triple fault, or QEMU itself); `status` is QEMU's
};
struct MachineResult {
  MachineOutcome outcome = MachineOutcome::crashed;
  int status = 0;
};

// UserError where QEMU, the kernel or the image is missing.
[[nodiscard]] MachineResult run_machine(const MachineOptions& options, const fs::path& image,
                                        const std::string& command_line);

} // namespace kpkg
