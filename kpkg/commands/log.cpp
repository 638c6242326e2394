// kpkg log: the log of the build that made a path.
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "store/posix/file_io.hpp"

namespace kpkg {

namespace {

void run(Context& context, const std::string& argument) {
  using store::UserError;
  store::StorePath path = parse_store_path(argument);
  if (!path.is_derivation()) {
    const auto info = context.store().query(path);
    if (!info) throw UserError(path.full() + " is not valid in this store");
    if (!info->deriver) throw UserError(path.full() + " was not built here: its derivation is not known");
    path = *info->deriver;
  }
  const fs::path file = context.store().log_path(path);
  if (!fs::exists(file)) throw UserError("no log of " + path.full() + ": it was not built in this store");
  const std::string text = store::read_file(file);
  context.print_log(text, Json{{"drvPath", path.full()}, {"log", text}});
}

} // namespace

Command log_command() {
  const auto path = std::make_shared<std::string>();
  return {.name = "log",
          .summary = "print the build log of a derivation or of a path it built",
          .description =
              "Prints all that the builder wrote when the derivation was last built in this store, whether it "
              "succeeded or failed. On a terminal, control characters are shown as escapes; colours are kept unless "
              "NO_COLOR is set. A file or pipe gets the bytes as they were written.",
          .positionals = {{.name = "path",
                           .help = "store path or .drv path",
                           .target = path.get(),
                           .kind = ValueKind::store_path,
                           .required = true}},
          .examples = {{"kpkg log ./result", "print how the linked result was built"}},
          .errors = {store::UserErrorCode::failed},
          .files = {{"ROOT/var/log", "the logs"}},
          .run = [path](Context& context) { run(context, *path); }};
}

} // namespace kpkg
