// kpkg build: evaluates, builds what is not valid yet, prints the output paths and leaves a `result` link.
#include "kpkg/project.hpp"

namespace kpkg {

namespace {
struct Options {
  ProjectOptions project;
  BuildingOptions building;
  std::string out_link = "result";
  bool no_link = false;
};
} // namespace

void add_build(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("build", "build a package and link the result");
  auto options = std::make_shared<Options>();
  options->project.add_to(*command);
  options->building.add_to(*command);
  command->add_flag("--check", options->building.check, "build again and compare with what the store has");
  command->add_option("-o,--out-link", options->out_link, "name of the link to the result, a root for gc")
      ->capture_default_str();
  command->add_flag("--no-link", options->no_link, "make no link");
  command->final_callback([options, &context] {
    std::vector<realise::BuildTarget> targets;
    if (options->project.expression.empty() && options->project.file.ends_with(".drv")) {
      targets.push_back({.drv_path = parse_store_path(options->project.file), .outputs = {}});
    } else {
      const auto eval_store = writing_eval_store(context);
      Project project(context, options->project, *eval_store);
      for (const auto& info : project.derivations(project.evaluate()))
        targets.push_back({.drv_path = info.drv_path, .outputs = {info.output_name}});
    }
    const auto result = build_targets(context, targets, options->building);
    std::string text;
    Json json = Json::array();
    size_t link_number = 0;
    for (const auto& target : result.targets)
      for (const auto& [id, info] : target.outputs) {
        text += info.path.full() + "\n";
        json.push_back({{"drvPath", target.drv_path.full()},
                        {"output", id},
                        {"path", info.path.full()},
                        {"physicalPath", context.store().physical(info.path).string()},
                        {"narHash", info.nar_hash.sri()},
                        {"narSize", info.nar_size_bytes}});
        if (!options->no_link) {
          const std::string link = options->out_link + (link_number == 0 ? "" : "-" + std::to_string(link_number + 1));
          context.store().add_root_link(fs::absolute(link), info.path);
          ++link_number;
        }
      }
    context.print(text, json);
  });
}

} // namespace kpkg
