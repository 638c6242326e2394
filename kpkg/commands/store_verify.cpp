// kpkg store verify: the database against the disk.
#include "kpkg/commands/commands.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  bool contents = false;
};

void run(Context& context, const Options& options) {
  Json json = Json::array();
  std::string text;
  for (const auto& problem : context.store().verify(options.contents)) {
    text += problem.path.full() + ": " + problem.what + "\n";
    json.push_back({{"path", problem.path.full()}, {"problem", problem.what}});
  }
  context.print(text, json);
  if (!json.empty())
    throw store::UserError(store::UserErrorCode::refused, std::format("{} store paths are damaged", json.size()),
                           "fetch them again with kpkg install, or build them again with kpkg build --check");
  context.say("all valid paths are in order");
}

} // namespace

Command store_verify_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "store verify",
          .summary = "check the database against the disk",
          .description = "Prints the paths that are damaged, and why. A damaged store is refused: status 5.",
          .options = {{.names = "--contents", .help = "hash every file again", .target = &options->contents}},
          .examples = {{"kpkg store verify --contents", "hash the whole store"}},
          .errors = {store::UserErrorCode::failed, store::UserErrorCode::refused},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
