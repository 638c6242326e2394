// kpkg store info: hash, size, references and signatures.
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/path_info.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::vector<std::string> paths;
  bool recursive = false;
};

void run(Context& context, const Options& options) {
  std::string text;
  Json json = Json::array();
  auto paths = parse_store_paths(options.paths);
  for (const auto& path : paths) (void)valid_path_info(context, path);
  const auto listed = options.recursive ? context.store().closure_references_first(paths)
                                        : std::vector<store::StorePath>(paths.begin(), paths.end());
  for (const auto& path : listed) {
    const auto info = valid_path_info(context, path);
    text += std::format("{}\n  NAR hash    {}\n  NAR size    {}\n", info.path.full(), info.nar_hash.to_string(),
                        info.nar_size_bytes);
    text += std::format("  physical    {}\n", context.store().physical(path).string());
    for (const auto& reference : info.references) text += "  references  " + reference.full() + "\n";
    for (const auto& signature : info.signatures) text += "  signature   " + signature.to_string() + "\n";
    if (info.deriver) text += "  built by    " + info.deriver->full() + "\n";
    json.push_back(info_json(info));
  }
  context.print(text, json);
}

} // namespace

Command store_info_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "store info",
          .summary = "hash, size, references and signatures of store paths",
          .description = "Prints what the database knows of each path, and where it lies on this machine.",
          .positionals = {{.name = "paths",
                           .help = "store paths",
                           .target = &options->paths,
                           .kind = ValueKind::store_path,
                           .required = true}},
          .options = {{.names = "-r,--recursive",
                       .help = "of everything they reference, too",
                       .target = &options->recursive}},
          .examples = {{"kpkg store info ./result", "describe what was built"},
                       {"kpkg store info -r --json ./result", "describe it with all it references, for programs"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
