// kpkg system build: a signed boot image from a system.nix.
#include "derivations/realise/system.hpp"
#include "kpkg/cli/credentials.hpp"
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/project/building.hpp"
#include "kpkg/project/project.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  ProjectOptions project;
  BuildingOptions building;
  std::string out;
};

void run(Context& context, Options& options) {
  if (options.building.key_file.empty())
    throw store::UserError(store::UserErrorCode::usage, "a generation must be signed: give --key FILE",
                           "make a key with: kpkg key generate NAME --out FILE");
  if (options.project.file.empty()) options.project.file = "system.nix";
  const auto key = read_secret_key(options.building.key_file);
  const auto eval_store = writing_eval_store(context, options.building);
  Project project(context, options.project, *eval_store);
  std::set<lang::ContextElement> string_context;
  const std::string json = project.evaluator().to_json(project.evaluate(), &string_context);

  std::vector<realise::BuildTarget> targets; // of the strings in it; plain paths are valid already
  for (const auto& element : string_context)
    if (element.kind == lang::ContextElement::Kind::output)
      targets.push_back({.drv_path = element.path, .outputs = {element.output}});
  if (!targets.empty()) (void)build_targets(context, targets, options.building);

  const auto built = realise::build_generation(context.store(), json);
  const std::string file = options.out.empty() ? built.generation.name + ".img" : options.out;
  const uint64_t size_bytes = realise::write_boot_image(context.store(), built, key, file);
  context.store().new_generation("system-" + built.generation.name, built.manifest_path);
  context.say(std::format("{}: {} instances, {} store paths, {} bytes, signed by {}", file,
                          built.generation.instances.size(), built.generation.closure.size(), size_bytes, key.name()));
  context.print(built.hash.to_string(), Json{{"generation", built.hash.to_string()},
                                             {"image", file},
                                             {"size", size_bytes},
                                             {"manifest", built.manifest_path.full()},
                                             {"publicKey", key.public_key().to_string()}});
}

} // namespace

Command system_build_command() {
  const auto options = std::make_shared<Options>();
  Command command{.name = "system build",
                  .summary = "build the signed boot image of a system.nix; prints the generation's hash",
                  .description =
                      "Builds the components of the system, writes an image that holds all of them, and signs "
                      "its manifest. The hash that it prints names the generation, whole: kpkg system boot "
                      "--generation HASH boots nothing else.",
                  .examples = {{"kpkg system build examples/system.nix --key acme.secret --out system.img",
                                "build an image and sign it"}},
                  .files = {{"system.nix", "the system, where no file is given"}},
                  .run = [options](Context& context) { run(context, *options); }};
  options->project.add_to(command);
  options->building.add_to(command);
  command.options.push_back({.names = "-o,--out",
                             .value_name = "FILE",
                             .help = "boot image file; otherwise NAME.img",
                             .target = &options->out,
                             .kind = ValueKind::file});
  return command;
}

} // namespace kpkg
