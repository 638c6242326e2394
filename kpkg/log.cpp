// kpkg log: the log of the build that made a path.
#include "kpkg/command.hpp"

namespace kpkg {

void add_log(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("log", "print the build log of a derivation or of a path it built");
  auto argument = std::make_shared<std::string>();
  command->add_option("path", *argument, "store path or .drv path")->required();
  command->final_callback([argument, &context] {
    store::StorePath path = parse_store_path(*argument);
    if (!path.is_derivation()) {
      const auto info = context.store().query(path);
      if (!info) throw Failure(kFailed, path.full() + " is not valid in this store");
      if (!info->deriver) throw Failure(kFailed, path.full() + " was not built here: its derivation is not known");
      path = *info->deriver;
    }
    const fs::path file = context.store().log_path(path);
    if (!fs::exists(file)) throw Failure(kFailed, "no log of " + path.full() + ": it was not built in this store");
    const std::string text = read_file(file);
    context.print(text, Json{{"drvPath", path.full()}, {"log", text}});
  });
}

} // namespace kpkg
