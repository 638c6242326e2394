// kpkg system boot: boots an image in QEMU.
#include "kpkg/cli/credentials.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/machine/machine.hpp"
#include "store/format/boot_image.hpp"
#include "store/posix/file_io.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::string image, generation;
  std::vector<std::string> trusted;
  MachineOptions machine;
};

void run(Context& context, const Options& options) {
  const auto keys = trusted_keys(context, options.trusted);
  if (keys.empty())
    throw store::UserError(store::UserErrorCode::usage,
                           "the kernel must know a key to trust: give --trusted-key NAME:BASE64");
  std::string generation = options.generation;
  if (generation.empty()) { // then the signature alone decides
    const std::string bytes = store::read_file(options.image);
    auto image = store::BootImage::parse(store::as_bytes(bytes));
    if (!image)
      throw store::UserError(store::UserErrorCode::refused, image.error().describe(options.image),
                             "give --generation HASH to let the kernel judge the image");
    generation = image->hash.to_string();
  }
  std::string command_line = "kpkg.generation=" + generation;
  for (const auto& key : keys) command_line += " kpkg.key=" + key.to_string();
  const MachineResult result = run_machine(options.machine, options.image, command_line);
  switch (result.outcome) {
  case MachineOutcome::ended: context.guest_status = result.status; return;
  case MachineOutcome::refused:
    throw store::UserError(store::UserErrorCode::refused, "the kernel refused the image; its message is above");
  case MachineOutcome::panicked: throw store::UserError("the kernel panicked; its message is above");
  case MachineOutcome::timed_out:
    throw store::UserError(std::format("the machine was stopped after {} s", options.machine.timeout_s));
  case MachineOutcome::crashed:
    throw store::UserError(std::format("the machine ended with status {} without the kernel's word", result.status));
  }
}

} // namespace

Command system_boot_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "system boot",
          .summary = "boot an image in QEMU; ends with the system's exit status",
          .description = "Starts the kernel with the image in a virtual machine whose serial line is the terminal. The "
                         "kernel verifies every byte of the image against the generation's hash and a trusted "
                         "signature before it runs anything. The system's status is that of its first awaited instance "
                         "that failed.",
          .positionals = {{.name = "image",
                           .help = "boot image file",
                           .target = &options->image,
                           .kind = ValueKind::file,
                           .required = true}},
          .options = {{.names = "--generation",
                       .value_name = "HASH",
                       .help = "sha256:... that must be booted; otherwise the image's own",
                       .target = &options->generation},
                      {.names = "--trusted-key",
                       .value_name = "NAME:BASE64",
                       .help = "key that the kernel trusts",
                       .target = &options->trusted,
                       .kind = ValueKind::public_key},
                      {.names = "--memory",
                       .value_name = "MIB",
                       .help = "memory of the machine",
                       .target = &options->machine.memory_mib,
                       .range = {64, 1u << 20}},
                      {.names = "--kernel",
                       .value_name = "FILE",
                       .help = "kernel to boot; otherwise the installed one",
                       .target = &options->machine.kernel,
                       .kind = ValueKind::file},
                      {.names = "--timeout",
                       .value_name = "SECONDS",
                       .help = "stop the machine after so long; 0: never",
                       .target = &options->machine.timeout_s,
                       .range = {0, 1u << 30}}},
          .examples = {{"kpkg system boot system.img --trusted-key acme-1:BASE64", "boot an image that acme-1 signed"},
                       {"kpkg system boot system.img --trusted-key acme-1:BASE64 --generation sha256:HASH",
                        "boot exactly one generation"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::refused, store::UserErrorCode::not_started,
                     store::UserErrorCode::trapped},
          .guest = true,
          .files = {{"PREFIX/share/kpkg/kernel.elf", "the kernel, beside PREFIX/bin/kpkg"},
                    {"ROOT/etc/trusted-keys", "public keys that are trusted, one a line"}},
          .environment = {{"KPKG_TRUSTED_KEYS", "public keys that are trusted, separated by spaces"}},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
