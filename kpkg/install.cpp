// kpkg install: fetches signed closures from registries, verifies them, and makes them part of a profile.
#include "kpkg/command.hpp"
#include "store/remote/copy.hpp"
#include <format>

namespace kpkg {

namespace {
struct Options {
  std::vector<std::string> from, trusted, paths;
  std::string profile;
};
} // namespace

void add_install(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "install", "fetch store paths with everything they reference; every signature and hash is checked");
  auto options = std::make_shared<Options>();
  command->add_option("--from", options->from, "URL of a registry (repeatable; asked in this order)")
      ->allow_extra_args(false)
      ->required();
  command
      ->add_option("--trusted-key", options->trusted, "NAME:BASE64 of a key whose signatures are accepted (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--profile", options->profile, "make the (one) path the next generation of this profile");
  command->add_option("paths", options->paths, "store paths")->required();
  command->final_callback([options, &context] {
    const auto roots = parse_store_paths(options->paths);
    if (!options->profile.empty() && roots.size() != 1) throw Failure(kUsage, "--profile takes exactly one store path");
    std::vector<std::unique_ptr<store::BinaryCache>> caches;
    std::vector<store::BinaryCache*> asked;
    for (const auto& url : options->from)
      asked.push_back(caches.emplace_back(std::make_unique<store::BinaryCache>(url)).get());
    const auto result = store::install_closure(
        context.store(), asked, roots,
        {.trusted = trusted_keys(context, options->trusted), .on_path = [&](const store::CopyProgress& progress) {
           context.say(std::format("[{}/{}] fetching {} ({} bytes)", progress.number, progress.total,
                                   progress.path.base_name(), progress.nar_size_bytes));
         }});
    const fs::path links = context.store().root() / "var" / "installed"; // roots of what no profile keeps
    fs::create_directories(links);
    for (const auto& root : roots) {
      if (options->profile.empty())
        context.store().add_root_link(links / root.base_name(), root);
      else
        context.store().new_generation(options->profile, root);
    }
    std::string text;
    Json paths = Json::array();
    for (const auto& root : roots) {
      text += root.full() + "\n";
      paths.push_back({{"path", root.full()}, {"physicalPath", context.store().physical(root).string()}});
    }
    context.say(std::format("installed {} paths ({} bytes); {} were there", result.copied.size(), result.nar_bytes,
                            result.already_there));
    context.print(text,
                  Json{{"paths", paths}, {"copied", result.copied.size()}, {"alreadyThere", result.already_there}});
  });
}

} // namespace kpkg
