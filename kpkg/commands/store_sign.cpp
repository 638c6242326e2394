// kpkg store sign: signatures for paths that are there.
#include "kpkg/cli/credentials.hpp"
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/path_info.hpp"

namespace kpkg {

namespace {

struct Options {
  std::vector<std::string> paths;
  std::string key_file;
  bool recursive = false;
};

void run(Context& context, const Options& options) {
  const auto key = read_secret_key(options.key_file);
  auto paths = parse_store_paths(options.paths);
  for (const auto& path : paths) (void)valid_path_info(context, path);
  for (const auto& path : options.recursive ? context.store().closure(paths) : paths) {
    auto info = valid_path_info(context, path);
    info.sign(key);
    context.store().add_signatures(path, info.signatures);
    context.say("signed " + path.full() + " with " + key.name());
  }
}

} // namespace

Command store_sign_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "store sign",
      .summary = "sign store paths",
      .description =
          "Adds a signature by the key to what the database knows of each path; kpkg push carries it to registries.",
      .positionals = {{.name = "paths",
                       .help = "store paths",
                       .target = &options->paths,
                       .kind = ValueKind::store_path,
                       .required = true}},
      .options = {{.names = "--key",
                   .value_name = "FILE",
                   .help = "secret key file",
                   .target = &options->key_file,
                   .kind = ValueKind::file,
                   .environment = "KPKG_KEY",
                   .required = true},
                  {.names = "-r,--recursive",
                   .help = "sign everything they reference, too",
                   .target = &options->recursive}},
      .examples = {{"kpkg store sign -r --key acme.secret ./result", "sign what was built with all it references"}},
      .errors = {store::UserErrorCode::failed},
      .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
