// kpkg build: evaluates, builds what is not valid yet, prints the output paths and leaves a `result` link.
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/project/building.hpp"
#include "kpkg/project/project.hpp"

namespace kpkg {

namespace {

struct Options {
  ProjectOptions project;
  BuildingOptions building;
  std::string out_link = "result";
  bool no_link = false;
};

void run(Context& context, const Options& options) {
  std::vector<realise::BuildTarget> targets;
  if (options.project.expression.empty() && options.project.file.ends_with(".drv")) {
    targets.push_back({.drv_path = parse_store_path(options.project.file), .outputs = {}});
  } else {
    const auto eval_store = writing_eval_store(context, options.building);
    Project project(context, options.project, *eval_store);
    for (const auto& info : project.derivations(project.evaluate()))
      targets.push_back({.drv_path = info.drv_path, .outputs = {info.output_name}});
  }
  const auto result = build_targets(context, targets, options.building);
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
      if (!options.no_link) {
        const std::string link = options.out_link + (link_number == 0 ? "" : "-" + std::to_string(link_number + 1));
        context.store().add_root_link(fs::absolute(link), info.path);
        ++link_number;
      }
    }
  context.print(text, json);
}

} // namespace

Command build_command() {
  const auto options = std::make_shared<Options>();
  Command command{
      .name = "build",
      .summary = "build a package and link the result",
      .description = "Evaluates the package, builds every derivation whose outputs the store lacks, in a sandbox, and "
                     "prints the paths of the outputs. A link to each is left in the current folder; as long as it "
                     "stands, kpkg store gc keeps the path. The argument may also be the path of a .drv file.",
      .examples = {{"kpkg build examples/hello --key acme.secret", "build the package in a folder and sign it"},
                   {"kpkg build -E '(import ./kpkg.nix)' --no-link", "build what an expression gives, without a link"},
                   {"kpkg build --check", "build the package of this folder again and compare"},
                   {"kpkg build --from https://registry.example --trusted-key acme-1:BASE64",
                    "fetch what a registry has already"}},
      .files = {{"result", "link to the result; with several outputs also result-2 and so on"}},
      .run = [options](Context& context) { run(context, *options); }};
  options->project.add_to(command);
  options->building.add_to(command);
  command.options.insert(command.options.end(),
                         {{.names = "--check",
                           .help = "build again and compare with what the store has",
                           .target = &options->building.check},
                          {.names = "-o,--out-link",
                           .value_name = "FILE",
                           .help = "name of the link to the result, a root for gc",
                           .target = &options->out_link,
                           .kind = ValueKind::file},
                          {.names = "--no-link", .help = "make no link", .target = &options->no_link}});
  return command;
}

} // namespace kpkg
