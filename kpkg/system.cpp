// kpkg system: builds a signed boot image from a system.nix, inspects it, boots it in QEMU.
#include "derivations/realise/system.hpp"
#include "kpkg/machine.hpp"
#include "kpkg/project.hpp"
#include <format>

namespace kpkg {

namespace {

struct BuildSystemOptions {
  ProjectOptions project;
  BuildingOptions building;
  std::string out;
};

void build_system(Context& context, BuildSystemOptions& options) {
  if (options.building.key_file.empty())
    throw Failure(kUsage, "a generation must be signed: give --key FILE",
                  "make a key with: kpkg key generate NAME --out FILE");
  if (options.project.file.empty()) options.project.file = "system.nix";
  const auto key = read_secret_key(options.building.key_file);
  const auto eval_store = writing_eval_store(context);
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

void inspect(Context& context, const std::string& file) {
  const std::string bytes = read_file(file);
  auto image = store::BootImage::parse(store::as_bytes(bytes));
  if (!image) throw Failure(kRefused, image.error().describe(file));
  std::string text = std::format("generation  {}\nsystem      {}\n", image->hash.to_string(), image->generation.name);
  for (const auto& signature : image->signatures) text += "signed by   " + signature.key_name + "\n";
  for (const auto& instance : image->generation.instances) {
    text += std::format("instance    {}  {}/{}\n", instance.name, instance.component.full(), instance.module);
    for (const auto& [import, provider] : instance.links)
      text += std::format("            imports {} from {}\n", import, provider);
  }
  for (size_t i = 0; i < image->generation.closure.size(); ++i) {
    const bool intact = image->check_nar_hash(i).has_value();
    text += std::format("content     {}  {} bytes, {}\n", image->generation.closure[i].path.full(),
                        image->generation.closure[i].nar_size_bytes, intact ? "hash is right" : "DAMAGED");
  }
  context.print(text, Json{{"generation", image->hash.to_string()}, {"manifest", Json::parse(image->manifest)}});
}

struct BootOptions {
  std::string image, generation;
  std::vector<std::string> trusted;
  MachineOptions machine;
};

void boot(Context& context, const BootOptions& options) {
  const auto keys = trusted_keys(context, options.trusted);
  if (keys.empty()) throw Failure(kUsage, "the kernel must know a key to trust: give --trusted-key NAME:BASE64");
  std::string generation = options.generation;
  if (generation.empty()) { // then the signature alone decides
    const std::string bytes = read_file(options.image);
    auto image = store::BootImage::parse(store::as_bytes(bytes));
    if (!image)
      throw Failure(kRefused, image.error().describe(options.image),
                    "give --generation HASH to let the kernel judge the image");
    generation = image->hash.to_string();
  }
  std::string command_line = "kpkg.generation=" + generation;
  for (const auto& key : keys) command_line += " kpkg.key=" + key.to_string();
  const MachineResult result = run_machine(options.machine, options.image, command_line);
  switch (result.outcome) {
  case MachineOutcome::ended: context.status = result.status; return;
  case MachineOutcome::refused: throw Failure(kRefused, "the kernel refused the image; its message is above");
  case MachineOutcome::panicked: throw Failure(kFailed, "the kernel panicked; its message is above");
  case MachineOutcome::timed_out:
    throw Failure(kFailed, std::format("the machine was stopped after {} s", options.machine.timeout_s));
  case MachineOutcome::crashed:
    throw Failure(kFailed, std::format("the machine ended with status {} without the kernel's word", result.status));
  }
}

} // namespace

void add_system(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("system", "build, inspect and boot system generations");
  command->require_subcommand(1);

  auto building = std::make_shared<BuildSystemOptions>();
  auto* build_command =
      command->add_subcommand("build", "build the signed boot image of a system.nix; prints the generation's hash");
  building->project.add_to(*build_command);
  building->building.add_to(*build_command);
  build_command->add_option("-o,--out", building->out, "boot image file (default: NAME.img)");
  build_command->final_callback([building, &context] { build_system(context, *building); });

  auto file = std::make_shared<std::string>();
  auto* inspect_command = command->add_subcommand("inspect", "show what a boot image holds");
  inspect_command->add_option("image", *file, "boot image file")->required();
  inspect_command->final_callback([file, &context] { inspect(context, *file); });

  auto booting = std::make_shared<BootOptions>();
  auto* boot_command = command->add_subcommand("boot", "boot an image in QEMU; ends with the system's exit status");
  boot_command->add_option("image", booting->image, "boot image file")->required()->check(CLI::ExistingFile);
  boot_command->add_option("--generation", booting->generation,
                           "sha256:… that must be booted (default: the image's own)");
  boot_command
      ->add_option("--trusted-key", booting->trusted, "NAME:BASE64 of a system key the kernel trusts (repeatable)")
      ->allow_extra_args(false);
  boot_command->add_option("--memory", booting->machine.memory_mib, "MiB of memory")
      ->capture_default_str()
      ->check(CLI::Range(64u, 1u << 20));
  boot_command->add_option("--kernel", booting->machine.kernel, "kernel to boot (default: the installed one)");
  boot_command
      ->add_option("--timeout", booting->machine.timeout_s, "seconds after which the machine is stopped; 0: never")
      ->capture_default_str();
  boot_command->final_callback([booting, &context] { boot(context, *booting); });
}

} // namespace kpkg
