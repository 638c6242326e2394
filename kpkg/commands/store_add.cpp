// kpkg store add: copies files and folders into the store.
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/path_info.hpp"

namespace kpkg {

namespace {

struct Options {
  std::vector<std::string> paths;
  std::string name;
};

void run(Context& context, const Options& options) {
  std::string text;
  Json json = Json::array();
  for (const auto& argument : options.paths) {
    const fs::path path = fs::absolute(argument).lexically_normal();
    if (!fs::exists(fs::symlink_status(path))) throw store::UserError(argument + ": no such file or folder");
    const auto info = context.store().add_source(path, options.name.empty() ? path.filename().string() : options.name);
    text += info.path.full() + "\n";
    json.push_back(info_json(info));
  }
  context.print(text, json);
}

} // namespace

Command store_add_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "store add",
          .summary = "copy files or folders into the store",
          .description = "The copy has a name that follows from its content, and is kept by kpkg store gc only when "
                         "something refers to it.",
          .positionals = {{.name = "paths",
                           .help = "files or folders",
                           .target = &options->paths,
                           .kind = ValueKind::file,
                           .required = true}},
          .options = {{.names = "--name",
                       .value_name = "NAME",
                       .help = "name in the store; otherwise the file's own",
                       .target = &options->name}},
          .examples = {{"kpkg store add examples/hello", "copy a folder and print its store path"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
