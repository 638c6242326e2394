// kpkg toolchain list: what can be imported and what has been.
#include "derivations/realise/toolchain.hpp"
#include "kpkg/commands/commands.hpp"
#include <format>

namespace kpkg {

namespace {

void run(Context& context) {
  std::string text;
  Json json = Json::array();
  for (const auto& known : realise::toolchain_names()) {
    const auto path = realise::find_toolchain(context.store(), known);
    text += std::format("{:<12} {}\n", known, path ? path->full() : "not imported");
    json.push_back({{"name", known}, {"path", path ? Json(path->full()) : Json()}});
  }
  context.print(text, json);
}

} // namespace

Command toolchain_list_command() {
  return {.name = "toolchain list",
          .summary = "the toolchains that can be or have been imported",
          .description = "Prints each toolchain with its store path, where it has been imported.",
          .examples = {{"kpkg toolchain list", "list them"}},
          .errors = {store::UserErrorCode::failed},
          .run = run};
}

} // namespace kpkg
