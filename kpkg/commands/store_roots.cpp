// kpkg store roots: what keeps what alive.
#include "kpkg/commands/commands.hpp"

namespace kpkg {

namespace {

void run(Context& context) {
  std::string text;
  Json json = Json::array();
  for (const auto& [root, path] : context.store().roots()) {
    text += root + " -> " + path.full() + "\n";
    json.push_back({{"root", root}, {"path", path.full()}});
  }
  context.print(text, json);
}

} // namespace

Command store_roots_command() {
  return {.name = "store roots",
          .summary = "what keeps what alive",
          .description = "Prints each root and the path that it keeps from kpkg store gc.",
          .examples = {{"kpkg store roots", "list them"}},
          .errors = {store::UserErrorCode::failed},
          .run = run};
}

} // namespace kpkg
