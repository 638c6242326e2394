#include "kpkg/machine/machine.hpp"
#include "kernel/system/exit_status.hpp"
#include "kpkg/cli/exit_status.hpp"
#include "store/posix/child_process.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/user_error.hpp"
#include <chrono>

namespace kpkg {

namespace {

// README's table and the kernel's numbers are one.
static_assert(static_cast<uint32_t>(ExitStatus::not_started) == kernel::kStatusNotStarted &&
              static_cast<uint32_t>(ExitStatus::trapped) == kernel::kStatusTrapped);

fs::path find_firmware() {
  for (const char* candidate : {"/usr/share/qemu/qboot.rom", "/usr/share/seabios/bios-256k.bin"})
    if (fs::exists(candidate)) return candidate;
  return "bios-256k.bin"; // QEMU's own search
}

// PREFIX/share/kpkg/kernel.elf beside this program.
fs::path installed_kernel() {
  const fs::path file =
      fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "share" / "kpkg" / "kernel.elf";
  if (!fs::exists(file))
    throw store::UserError("the kernel " + file.string() + " is missing",
                           "install kpkg whole, or name a kernel with --kernel FILE");
  return file;
}

// What the kernel wrote to the debug console before it ended: the system's status. A kernel that has no such line wrote
// nothing; then all that is known is that it failed.
int status_on(int debug_console) {
  uint8_t status = 0;
  return ::pread(debug_console, &status, 1, 0) == 1 ? status : static_cast<int>(ExitStatus::failed);
}

MachineResult interpret(const store::ProcessEnd& end, int debug_console) {
  if (!end.exit_status) return {.outcome = MachineOutcome::crashed, .status = 128 + end.signal};
  const int code = *end.exit_status;
  const auto outcome = kernel::outcome_of_process_status(code);
  if (!outcome) return {.outcome = MachineOutcome::crashed, .status = code};
  if (const auto of_system = kernel::status_of_outcome(*outcome))
    return {.outcome = MachineOutcome::ended, .status = static_cast<int>(*of_system)};
  switch (*outcome) {
  case kernel::Outcome::system_failed: return {.outcome = MachineOutcome::ended, .status = status_on(debug_console)};
  case kernel::Outcome::refused:
  case kernel::Outcome::bad_command_line: return {.outcome = MachineOutcome::refused};
  case kernel::Outcome::panicked: return {.outcome = MachineOutcome::panicked};
  default: return {.outcome = MachineOutcome::crashed, .status = code};
  }
}

} // namespace

MachineResult run_machine(const MachineOptions& options, const fs::path& image, const std::string& command_line) {
  const fs::path kernel = options.kernel.empty() ? installed_kernel() : fs::path(options.kernel);
  for (const fs::path& file : {kernel, image})
    if (!fs::exists(file)) throw store::UserError(file.string() + ": no such file");
  constexpr std::string_view kQemu = "qemu-system-x86_64";
  const auto qemu = store::find_program(kQemu);
  if (!qemu)
    throw store::UserError(std::string(kQemu) + " is not installed",
                           "apt-get install qemu-system-x86 qemu-system-data");
  const std::vector<std::string> arguments{"-accel",     "tcg,thread=multi",
                                           "-cpu",       "max",
                                           "-M",         "q35",
                                           "-bios",      find_firmware(),
                                           "-m",         std::to_string(options.memory_mib),
                                           "-kernel",    kernel,
                                           "-initrd",    image,
                                           "-append",    command_line,
                                           "-display",   "none",
                                           "-serial",    "stdio",
                                           "-no-reboot", "-nodefaults",
                                           "-device",    "isa-debug-exit,iobase=0xf4,iosize=0x04",
                                           "-chardev",   "file,id=status,path=/dev/fd/3",
                                           "-device",    "isa-debugcon,iobase=0xe9,chardev=status"};
  const store::UniqueFd debug_console = store::make_unnamed_file();
  store::ChildProcess machine({.program = *qemu,
                               .arguments = arguments,
                               .descriptors = {{0, 0}, {1, 1}, {2, 2}, {3, debug_console.get()}},
                               .environment = std::nullopt});
  if (options.timeout_s == 0) return interpret(machine.wait(), debug_console.get());
  const auto end = machine.wait_for(std::chrono::seconds(options.timeout_s));
  return end ? interpret(*end, debug_console.get()) : MachineResult{.outcome = MachineOutcome::timed_out};
}

} // namespace kpkg
