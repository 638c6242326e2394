// kpkg install: fetches signed closures from registries, verifies them, and makes them part of a profile.
#include "kpkg/cli/credentials.hpp"
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "store/posix/folder.hpp"
#include "store/remote/copy.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::vector<std::string> from, trusted, paths;
  std::string profile;
  uint64_t max_path_bytes = store::kDefaultMaxNarBytes;
};

void run(Context& context, const Options& options) {
  const auto roots = parse_store_paths(options.paths);
  if (!options.profile.empty() && roots.size() != 1)
    throw store::UserError(store::UserErrorCode::usage, "--profile takes exactly one store path");
  std::vector<std::unique_ptr<store::BinaryCache>> caches;
  std::vector<store::BinaryCache*> asked;
  for (const auto& url : options.from)
    asked.push_back(caches.emplace_back(std::make_unique<store::BinaryCache>(url)).get());
  const auto result = store::install_closure(
      context.store(), asked, roots,
      {.trusted = trusted_keys(context, options.trusted),
       .on_path =
           [&](const store::CopyProgress& progress) {
             context.say(std::format("[{}/{}] fetching {} ({} bytes)", progress.number, progress.total,
                                     progress.path.base_name(), progress.nar_size_bytes));
           },
       .max_nar_bytes = options.max_path_bytes});
  const fs::path links = context.store().root() / "var" / "installed"; // roots of what no profile keeps
  store::make_folder(links, 0700);
  for (const auto& root : roots) {
    if (options.profile.empty())
      context.store().add_root_link(links / root.base_name(), root);
    else
      context.store().new_generation(options.profile, root);
  }
  std::string text;
  Json paths = Json::array();
  for (const auto& root : roots) {
    text += root.full() + "\n";
    paths.push_back({{"path", root.full()}, {"physicalPath", context.store().physical(root).string()}});
  }
  context.say(std::format("installed {} paths ({} bytes); {} were there", result.copied.size(), result.nar_bytes,
                          result.already_there));
  context.print(text, Json{{"paths", paths}, {"copied", result.copied.size()}, {"alreadyThere", result.already_there}});
}

} // namespace

Command install_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "install",
          .summary = "fetch store paths with everything they reference; every signature and hash is checked",
          .description =
              "Asks the registries in their order for each path. What no trusted key signed is refused, unless "
              "its content proves its name, and so is every archive that does not have the hash that was "
              "signed; nothing of a refused path is registered. Installed paths are kept by kpkg store gc.",
          .positionals = {{.name = "paths", .help = "store paths", .target = &options->paths, .required = true}},
          .options = {{.names = "--from",
                       .value_name = "URL",
                       .help = "registry to ask, in this order",
                       .target = &options->from,
                       .required = true},
                      {.names = "--trusted-key",
                       .value_name = "NAME:BASE64",
                       .help = "key whose signatures are accepted",
                       .target = &options->trusted,
                       .kind = ValueKind::public_key},
                      {.names = "--max-path-size",
                       .value_name = "BYTES",
                       .help = "refuse paths that are larger",
                       .target = &options->max_path_bytes},
                      {.names = "--profile",
                       .value_name = "NAME",
                       .help = "make the (one) path the next generation of this profile",
                       .target = &options->profile}},
          .examples = {{"kpkg install --from http://127.0.0.1:8080 --trusted-key acme-1:BASE64 "
                        "/kpkg/store/DIGEST-hello-0.1.0",
                        "fetch a package that acme-1 signed"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::refused},
          .files = {{"ROOT/etc/trusted-keys", "public keys that are trusted, one a line"},
                    {"ROOT/var/installed", "links to what was installed without a profile"}},
          .environment = {{"KPKG_TRUSTED_KEYS", "public keys that are trusted, separated by spaces"}},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
