// kpkg toolchain: brings compilers of the host into the store.
#include "derivations/realise/toolchain.hpp"
#include "kpkg/command.hpp"
#include <format>

namespace kpkg {

void add_toolchain(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("toolchain", "bring compilers of this machine into the store");
  command->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto* import = command->add_subcommand("import", "capture a toolchain with exactly the files it needs");
  import->add_option("name", *name, "which toolchain")->required()->check(CLI::IsMember(realise::toolchain_names()));
  import->final_callback([name, &context] {
    const auto imported = realise::import_toolchain(context.store(), *name);
    context.say(std::format("{} {}: {} files, {} MB{}", *name, imported.version, imported.file_count,
                            imported.nar_size_bytes / 1'000'000, imported.changed ? "" : " (unchanged)"));
    context.print(imported.path.full(), Json{{"name", *name},
                                             {"version", imported.version},
                                             {"path", imported.path.full()},
                                             {"narSize", imported.nar_size_bytes},
                                             {"files", imported.file_count},
                                             {"changed", imported.changed}});
  });
  auto* list = command->add_subcommand("list", "the toolchains that can be or have been imported");
  list->final_callback([&context] {
    std::string text;
    Json json = Json::array();
    for (const auto& known : realise::toolchain_names()) {
      const auto path = realise::find_toolchain(context.store(), known);
      text += std::format("{:<12} {}\n", known, path ? path->full() : "not imported");
      json.push_back({{"name", known}, {"path", path ? Json(path->full()) : Json()}});
    }
    context.print(text, json);
  });
}

} // namespace kpkg
