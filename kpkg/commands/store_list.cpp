// kpkg store list: every valid path.
#include "kpkg/commands/commands.hpp"

namespace kpkg {

namespace {

void run(Context& context) {
  std::string text;
  Json json = Json::array();
  for (const auto& path : context.store().query_all()) {
    text += path.full() + "\n";
    json.push_back(path.full());
  }
  context.print(text, json);
}

} // namespace

Command store_list_command() {
  return {.name = "store list",
          .summary = "all valid store paths",
          .description = "Prints the paths that the store holds, one a line.",
          .examples = {{"kpkg store list", "list them"}},
          .errors = {store::UserErrorCode::failed},
          .run = run};
}

} // namespace kpkg
