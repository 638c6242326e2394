#include "kpkg/machine.hpp"
#include "kernel/system/exit_status.hpp"
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX wants it declared by the program

namespace kpkg {

namespace {

// README's table and the kernel's numbers are one.
static_assert(kNotStarted == kernel::kStatusNotStarted && kTrapped == kernel::kStatusTrapped);

fs::path find_firmware() {
  for (const char* candidate : {"/usr/share/qemu/qboot.rom", "/usr/share/seabios/bios-256k.bin"})
    if (fs::exists(candidate)) return candidate;
  return "bios-256k.bin"; // QEMU's own search
}

MachineResult interpret(int status) {
  if (!WIFEXITED(status))
    return {.outcome = MachineOutcome::crashed, .status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : status};
  const int code = WEXITSTATUS(status);
  const auto outcome = kernel::outcome_of_process_status(code);
  if (!outcome) return {.outcome = MachineOutcome::crashed, .status = code};
  if (const auto of_system = kernel::status_of_outcome(*outcome))
    return {.outcome = MachineOutcome::ended, .status = static_cast<int>(*of_system)};
  switch (*outcome) {
  case kernel::Outcome::system_failed:
    return {.outcome = MachineOutcome::ended, .status = kFailed}; // the serial line has the number
  case kernel::Outcome::refused:
  case kernel::Outcome::bad_command_line: return {.outcome = MachineOutcome::refused};
  case kernel::Outcome::panicked: return {.outcome = MachineOutcome::panicked};
  default: return {.outcome = MachineOutcome::crashed, .status = code};
  }
}

} // namespace

MachineResult run_machine(const MachineOptions& options, const fs::path& image, const std::string& command_line) {
  const std::string kernel = options.kernel.empty() ? Context::shared_file("kernel.elf").string() : options.kernel;
  const std::string memory = std::to_string(options.memory_mib), firmware = find_firmware().string(),
                    initrd = image.string();
  const std::array<const char*, 26> arguments{"qemu-system-x86_64",
                                              "-accel",
                                              "tcg,thread=multi",
                                              "-cpu",
                                              "max",
                                              "-M",
                                              "q35",
                                              "-bios",
                                              firmware.c_str(),
                                              "-m",
                                              memory.c_str(),
                                              "-kernel",
                                              kernel.c_str(),
                                              "-initrd",
                                              initrd.c_str(),
                                              "-append",
                                              command_line.c_str(),
                                              "-display",
                                              "none",
                                              "-serial",
                                              "stdio",
                                              "-no-reboot",
                                              "-nodefaults",
                                              "-device",
                                              "isa-debug-exit,iobase=0xf4,iosize=0x04",
                                              nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments[0], nullptr, nullptr, const_cast<char**>(arguments.data()), environ);
  if (error == ENOENT)
    throw Failure(kFailed, std::string(arguments[0]) + " is not installed",
                  "apt-get install qemu-system-x86 qemu-system-data");
  if (error != 0) throw Failure(kFailed, std::string("cannot start ") + arguments[0] + ": " + std::strerror(error));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_s);
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, options.timeout_s == 0 ? 0 : WNOHANG);
    if (ended == child) return interpret(status);
    if (ended < 0 && errno != EINTR) throw Failure(kFailed, std::string("waiting for QEMU: ") + std::strerror(errno));
    if (options.timeout_s != 0 && std::chrono::steady_clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return {.outcome = MachineOutcome::timed_out};
    }
    if (ended == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

} // namespace kpkg
