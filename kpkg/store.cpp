// kpkg store: look at the store, add to it, verify it, sign in it, collect its garbage.
#include "kpkg/command.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::vector<std::string> paths;
  std::string name, key_file;
  bool recursive = false, contents = false, dry_run = false, all = false;
};

Json info_json(const store::PathInfo& info) {
  Json references = Json::array(), signatures = Json::array();
  for (const auto& reference : info.references) references.push_back(reference.full());
  for (const auto& signature : info.signatures) signatures.push_back(signature.to_string());
  Json json{{"path", info.path.full()},
            {"narHash", info.nar_hash.sri()},
            {"narSize", info.nar_size_bytes},
            {"references", references},
            {"signatures", signatures}};
  if (info.deriver) json["deriver"] = info.deriver->full();
  if (!info.content_address.empty()) json["ca"] = info.content_address;
  return json;
}

store::PathInfo query(Context& context, const store::StorePath& path) {
  auto info = context.store().query(path);
  if (!info) throw Failure(kFailed, path.full() + " is not valid in the store " + context.store().root().string());
  return std::move(*info);
}

void add(Context& context, const Options& options) {
  std::string text;
  Json json = Json::array();
  for (const auto& argument : options.paths) {
    const fs::path path = fs::absolute(argument).lexically_normal();
    if (!fs::exists(fs::symlink_status(path))) throw Failure(kFailed, argument + ": no such file or folder");
    const auto info = context.store().add_source(path, options.name.empty() ? path.filename().string() : options.name);
    text += info.path.full() + "\n";
    json.push_back(info_json(info));
  }
  context.print(text, json);
}

void show(Context& context, const Options& options) {
  std::string text;
  Json json = Json::array();
  auto paths = parse_store_paths(options.paths);
  for (const auto& path : paths) (void)query(context, path);
  const auto listed = options.recursive ? context.store().closure_references_first(paths)
                                        : std::vector<store::StorePath>(paths.begin(), paths.end());
  for (const auto& path : listed) {
    const auto info = query(context, path);
    text += std::format("{}\n  NAR hash    {}\n  NAR size    {}\n", info.path.full(), info.nar_hash.to_string(),
                        info.nar_size_bytes);
    text += std::format("  physical    {}\n", context.store().physical(path).string());
    for (const auto& reference : info.references) text += "  references  " + reference.full() + "\n";
    for (const auto& signature : info.signatures) text += "  signature   " + signature.to_string() + "\n";
    if (info.deriver) text += "  built by    " + info.deriver->full() + "\n";
    json.push_back(info_json(info));
  }
  context.print(text, json);
}

void verify(Context& context, const Options& options) {
  Json json = Json::array();
  std::string text;
  for (const auto& problem : context.store().verify(options.contents)) {
    text += problem.path.full() + ": " + problem.what + "\n";
    json.push_back({{"path", problem.path.full()}, {"problem", problem.what}});
  }
  context.print(text, json);
  if (!json.empty())
    throw Failure(kRefused, std::format("{} store paths are damaged", json.size()),
                  "fetch them again with kpkg install, or build them again with kpkg build --check");
  context.say("all valid paths are in order");
}

void sign(Context& context, const Options& options) {
  const auto key = read_secret_key(options.key_file);
  auto paths = parse_store_paths(options.paths);
  for (const auto& path : paths) (void)query(context, path);
  for (const auto& path : options.recursive ? context.store().closure(paths) : paths) {
    auto info = query(context, path);
    info.sign(key);
    context.store().add_signatures(path, info.signatures);
    context.say("signed " + path.full() + " with " + key.name());
  }
}

void collect(Context& context, const Options& options) {
  const auto result = context.store().collect_garbage({.dry_run = options.dry_run});
  Json deleted = Json::array();
  for (const auto& path : result.deleted) {
    deleted.push_back(path.full());
    context.say((options.dry_run ? "would delete " : "deleted ") + path.full());
  }
  context.print(std::format("{} paths, {} bytes {}", result.deleted.size(), result.freed_bytes,
                            options.dry_run ? "would be freed" : "freed"),
                Json{{"deleted", deleted}, {"freedBytes", result.freed_bytes}, {"dryRun", options.dry_run}});
}

} // namespace

void add_store(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("store", "look at, verify, sign and clean the local store");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto sub = [&](const char* name, const char* help, void (*run)(Context&, const Options&)) {
    auto* result = command->add_subcommand(name, help);
    result->final_callback([options, &context, run] { run(context, *options); });
    return result;
  };
  const auto paths = [&](CLI::App* subcommand, const char* help) {
    subcommand->add_option("paths", options->paths, help)->required();
  };

  auto* adding = sub("add", "copy files or folders into the store", add);
  paths(adding, "files or folders");
  adding->add_option("--name", options->name, "name in the store (default: the file's)");
  sub("list", "all valid store paths", [](Context& c, const Options&) {
    std::string text;
    Json json = Json::array();
    for (const auto& path : c.store().query_all()) {
      text += path.full() + "\n";
      json.push_back(path.full());
    }
    c.print(text, json);
  });
  auto* showing = sub("info", "hash, size, references and signatures of store paths", show);
  paths(showing, "store paths");
  showing->add_flag("-r,--recursive", options->recursive, "of everything they reference, too");
  sub("roots", "what keeps what alive", [](Context& c, const Options&) {
    std::string text;
    Json json = Json::array();
    for (const auto& [root, path] : c.store().roots()) {
      text += root + " -> " + path.full() + "\n";
      json.push_back({{"root", root}, {"path", path.full()}});
    }
    c.print(text, json);
  });
  sub("verify", "check the database against the disk", verify)
      ->add_flag("--contents", options->contents, "hash every file again");
  auto* signing = sub("sign", "sign store paths", sign);
  paths(signing, "store paths");
  signing->add_option("--key", options->key_file, "secret key file")->required()->envname("KPKG_KEY");
  signing->add_flag("-r,--recursive", options->recursive, "sign everything they reference, too");
  sub("gc", "delete what no root needs", collect)->add_flag("--dry-run", options->dry_run, "only tell");
}

} // namespace kpkg
