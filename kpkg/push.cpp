// kpkg push: uploads signed closures to a registry.
#include "kpkg/command.hpp"
#include "store/remote/copy.hpp"
#include <format>

namespace kpkg {

namespace {
struct Options {
  std::string to, token_file;
  std::vector<std::string> paths;
};
} // namespace

void add_push(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("push", "upload store paths with everything they reference to a registry");
  auto options = std::make_shared<Options>();
  command->add_option("--to", options->to, "URL of the registry")->required();
  command->add_option("--token-file", options->token_file, "file with the upload token (default: $KPKG_TOKEN)");
  command->add_option("paths", options->paths, "store paths, or links to them such as ./result")->required();
  command->final_callback([options, &context] {
    try {
      store::BinaryCache cache(options->to, read_token(options->token_file));
      const auto result = store::push_closure(
          context.store(), cache, parse_store_paths(options->paths),
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
    } catch (const store::HttpError& error) {
      throw Failure(error.status() == 401 || error.status() == 403 ? kRefused : kFailed, error.what(), error.hint());
    }
  });
}

} // namespace kpkg
