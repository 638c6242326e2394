// kpkg run: runs a WebAssembly command with WASI preview 1 on this machine.
#include "kpkg/project.hpp"
#include "runtime/text/text.hpp"
#include "runtime/wasi/preview1.hpp"
#include <cstdlib>
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::string target, invoke;
  std::vector<std::string> args, env, links;
  uint64_t memory_limit_bytes = ~uint64_t{0};
};

[[noreturn]] void fail(const runtime::Error& error, const std::string& subject) {
  switch (error.kind) {
  case runtime::ErrorKind::trap: throw Failure(kTrapped, subject + ": " + error.describe());
  case runtime::ErrorKind::malformed:
  case runtime::ErrorKind::invalid:
  case runtime::ErrorKind::unsupported:
  case runtime::ErrorKind::limit: throw Failure(kInvalidWasm, subject + ": " + error.describe());
  case runtime::ErrorKind::unlinkable:
    throw Failure(kFailed, subject + ": " + error.describe(), "give the modules it imports from with --link NAME=FILE");
  case runtime::ErrorKind::exit:
  case runtime::ErrorKind::resource: break;
  }
  throw Failure(kFailed, subject + ": " + error.describe());
}

template <class T> T checked(runtime::Result<T> result, const std::string& subject) {
  if (!result) fail(result.error(), subject);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The module file that a user's word names: a .wasm or .wat file, a store path or a folder with module.wasm, or a
// package folder or file, which is built first.
fs::path module_file(Context& context, const std::string& target) {
  if (target.starts_with(store::kStoreDir)) {
    const auto path = parse_store_path(target);
    if (!context.store().is_valid(path))
      throw Failure(kFailed, path.full() + " is not in the store", "fetch it with kpkg install");
    const fs::path physical = context.store().physical(path);
    return fs::is_directory(physical) ? physical / "module.wasm" : physical;
  }
  fs::path path = target.empty() ? fs::path(".") : fs::path(target);
  if (!fs::exists(path)) throw Failure(kFailed, target + ": no such file or folder");
  if (fs::is_directory(path) && fs::exists(path / "module.wasm")) return path / "module.wasm";
  if (!fs::is_directory(path) && path.extension() != ".nix") return path;
  ProjectOptions project_options;
  project_options.file = path.string();
  const auto eval_store = writing_eval_store(context);
  Project project(context, project_options, *eval_store);
  const auto derivations = project.derivations(project.evaluate());
  if (derivations.size() != 1)
    throw Failure(kFailed, target + " gives several packages", "build them, then run one of the results");
  const auto result = build_targets(context, {{.drv_path = derivations[0].drv_path, .outputs = {"out"}}}, {});
  return context.store().physical(result.targets[0].outputs.at("out").path) / "module.wasm";
}

std::shared_ptr<const runtime::Module> load(Context& context, runtime::Engine& engine, const std::string& target) {
  const fs::path file = module_file(context, target);
  const std::string bytes = read_file(file);
  const auto binary = store::as_bytes(bytes);
  constexpr std::string_view kComponentHeader{"\0asm\x0d\0\1\0", 8}; // component model, binary format: layer 1
  if (bytes.starts_with(kComponentHeader))
    throw Failure(kInvalidWasm, file.string() + " is a component; this version runs core modules only");
  std::vector<std::byte> wasm(binary.begin(), binary.end());
  if (file.extension() == ".wat") wasm = checked(runtime::parse_wat(bytes), file.string());
  return checked(runtime::Module::compile(engine, std::move(wasm)), file.string());
}

void run(Context& context, const Options& options) {
  runtime::Engine engine;
  runtime::Store store(engine, {.memory_limit_bytes = options.memory_limit_bytes});
  runtime::Linker linker;
  std::vector<std::string> args{options.target.empty() ? "." : fs::path(options.target).filename().string()};
  args.insert(args.end(), options.args.begin(), options.args.end());
  auto wasi = std::make_shared<runtime::Preview1Options>(runtime::preview1_on_platform(std::move(args)));
  for (const auto& assignment : options.env) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(kUsage, "--env takes NAME=VALUE, not \"" + assignment + "\"");
    wasi->env.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  runtime::define_preview1(linker, store, wasi);

  for (const auto& link : options.links) {
    const size_t equals = link.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(kUsage, "--link takes NAME=MODULE, not \"" + link + "\"");
    const std::string name = link.substr(0, equals), target = link.substr(equals + 1);
    const auto module = load(context, engine, target);
    const auto imports = checked(linker.resolve(*module), target);
    auto* instance = checked(store.instantiate(module, imports, name), target);
    if (const auto initialize = instance->find_export("_initialize"))
      if (auto* const* function = std::get_if<runtime::Func*>(&*initialize))
        checked(store.call(**function, {}), target);
    linker.define_instance(name, *instance);
  }
  const auto module = load(context, engine, options.target);
  const std::string subject = options.target.empty() ? "." : options.target;
  const auto imports = checked(linker.resolve(*module), subject);
  auto* instance = checked(store.instantiate(module, imports, module->name()), subject);
  const auto status = runtime::run_command(store, *instance);
  if (!status) fail(status.error(), subject);
  context.status = static_cast<int>(*status & 0xff);
}

} // namespace

void add_run(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("run", "run a WebAssembly command with WASI preview 1; ends with its exit status");
  auto options = std::make_shared<Options>();
  command->add_option("target", options->target,
                      "a .wasm or .wat file, a store path, or a package (built first; default: .)");
  command->add_option("args", options->args, "arguments of the guest; put -- before them");
  command->add_option("--env", options->env, "NAME=VALUE for the guest (repeatable)")->allow_extra_args(false);
  command
      ->add_option("--link", options->links, "NAME=MODULE: provide the imports of module NAME (repeatable; in order)")
      ->allow_extra_args(false);
  command->add_option("--memory-limit", options->memory_limit_bytes,
                      "bytes that the guest's memories may have together");
  command->final_callback([options, &context] { run(context, *options); });
}

} // namespace kpkg
