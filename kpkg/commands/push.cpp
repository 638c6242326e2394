// kpkg push: uploads signed closures to a registry.
#include "kpkg/cli/credentials.hpp"
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "store/remote/copy.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::string to, token_file;
  std::vector<std::string> paths;
};

void run(Context& context, const Options& options) {
  store::BinaryCache cache(options.to, read_token(context, options.token_file));
  const auto result =
      store::push_closure(context.store(), cache, parse_store_paths(options.paths),
                          {.trusted = {}, .on_path = [&](const store::CopyProgress& progress) {
                             context.say(std::format("[{}/{}] uploading {} ({} bytes)", progress.number, progress.total,
                                                     progress.path.base_name(), progress.nar_size_bytes));
                           }});
  Json copied = Json::array();
  for (const auto& path : result.copied) copied.push_back(path.full());
  context.print(std::format("pushed {} paths ({} bytes, {} compressed); {} were there", result.copied.size(),
                            result.nar_bytes, result.transferred_bytes, result.already_there),
                Json{{"copied", copied},
                     {"alreadyThere", result.already_there},
                     {"narBytes", result.nar_bytes},
                     {"transferredBytes", result.transferred_bytes}});
}

} // namespace

Command push_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "push",
          .summary = "upload store paths with everything they reference to a registry",
          .description =
              "Uploads what the registry lacks, references first. Every path must be signed, or named by its "
              "content: nobody could install it otherwise.",
          .positionals = {{.name = "paths",
                           .help = "store paths, or links to them such as ./result",
                           .target = &options->paths,
                           .kind = ValueKind::store_path,
                           .required = true}},
          .options = {{.names = "--to",
                       .value_name = "URL",
                       .help = "URL of the registry",
                       .target = &options->to,
                       .required = true},
                      {.names = "--token-file",
                       .value_name = "FILE",
                       .help = "file with the upload token; otherwise the one in $KPKG_TOKEN",
                       .target = &options->token_file,
                       .kind = ValueKind::file}},
          .examples = {{"kpkg push --to http://127.0.0.1:8080 --token-file token ./result", "upload what was built"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::refused},
          .environment = {{"KPKG_TOKEN", "upload token"}},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
