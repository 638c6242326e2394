// kpkg toolchain import: brings a compiler of the host into the store.
#include "derivations/realise/toolchain.hpp"
#include "kpkg/commands/commands.hpp"
#include <format>

namespace kpkg {

namespace {

void run(Context& context, const std::string& name) {
  const auto imported = realise::import_toolchain(context.store(), name);
  context.say(std::format("{} {}: {} files, {} MB{}", name, imported.version, imported.file_count,
                          imported.nar_size_bytes / 1'000'000, imported.changed ? "" : " (unchanged)"));
  context.print(imported.path.full(), Json{{"name", name},
                                           {"version", imported.version},
                                           {"path", imported.path.full()},
                                           {"narSize", imported.nar_size_bytes},
                                           {"files", imported.file_count},
                                           {"changed", imported.changed}});
}

} // namespace

Command toolchain_import_command() {
  const auto name = std::make_shared<std::string>();
  return {.name = "toolchain import",
          .summary = "capture a toolchain with exactly the files it needs",
          .description =
              "Copies a compiler that is installed on this machine, with the libraries and headers it needs, "
              "into the store. Packages get it as kpkgs.toolchains.NAME; their builds see nothing else of "
              "the machine.",
          .positionals = {{.name = "name",
                           .help = "which toolchain",
                           .target = name.get(),
                           .required = true,
                           .choices = realise::toolchain_names()}},
          .examples = {{"kpkg toolchain import clang", "import the C compiler"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::build},
          .run = [name](Context& context) { run(context, *name); }};
}

} // namespace kpkg
