// kpkg instantiate: evaluates to derivations, writes their .drv files, prints their paths.
#include "kpkg/project.hpp"

namespace kpkg {

void add_instantiate(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("instantiate", "write the .drv files of an expression and print their paths");
  auto options = std::make_shared<ProjectOptions>();
  options->add_to(*command);
  command->final_callback([options, &context] {
    const auto eval_store = writing_eval_store(context);
    Project project(context, *options, *eval_store);
    std::string text;
    Json json = Json::array();
    for (const auto& info : project.derivations(project.evaluate())) {
      text += info.drv_path.full() + "\n";
      Json outputs;
      for (const auto& [id, path] : info.outputs) outputs[id] = path.full();
      json.push_back({{"name", info.name}, {"drvPath", info.drv_path.full()}, {"outputs", outputs}});
    }
    context.print(text, json);
  });
}

} // namespace kpkg
