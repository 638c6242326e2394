// kpkg instantiate: evaluates to derivations, writes their .drv files, prints their paths.
#include "kpkg/commands/commands.hpp"
#include "kpkg/project/building.hpp"
#include "kpkg/project/project.hpp"

namespace kpkg {

namespace {

struct Options {
  ProjectOptions project;
  BuildingOptions building;
};

void run(Context& context, const Options& options) {
  const auto eval_store = writing_eval_store(context, options.building);
  Project project(context, options.project, *eval_store);
  std::string text;
  Json json = Json::array();
  for (const auto& info : project.derivations(project.evaluate())) {
    text += info.drv_path.full() + "\n";
    Json outputs;
    for (const auto& [id, path] : info.outputs) outputs[id] = path.full();
    json.push_back({{"name", info.name}, {"drvPath", info.drv_path.full()}, {"outputs", outputs}});
  }
  context.print(text, json);
}

} // namespace

Command instantiate_command() {
  const auto options = std::make_shared<Options>();
  Command command{.name = "instantiate",
                  .summary = "write the .drv files of an expression and print their paths",
                  .description = "Evaluates to derivations and writes them to the store, without building them. What "
                                 "evaluation itself needs to be built (import from derivation) is built.",
                  .examples = {{"kpkg instantiate examples/hello", "print the derivation of a package"},
                               {"kpkg instantiate -A tests", "print those of an attribute of this folder's package"}},
                  .run = [options](Context& context) { run(context, *options); }};
  options->project.add_to(command);
  options->building.add_to(command);
  return command;
}

} // namespace kpkg
