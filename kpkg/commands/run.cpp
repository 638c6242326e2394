// kpkg run: runs a WebAssembly command with WASI preview 1 on this machine.
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/project/building.hpp"
#include "kpkg/project/project.hpp"
#include "runtime/text/text.hpp"
#include "runtime/wasi/preview1.hpp"
#include "store/posix/file_io.hpp"

namespace kpkg {

namespace {

using store::UserError;
using store::UserErrorCode;

struct Options {
  BuildingOptions building;
  std::string target, invoke;
  std::vector<std::string> args, env, links;
  uint64_t memory_limit_bytes = ~uint64_t{0};
};

[[noreturn]] void fail(const runtime::Error& error, const std::string& subject) {
  const auto fail_with = [&](UserErrorCode code, const std::string& hint = {}) {
    throw UserError(code, subject + ": " + error.describe(), hint);
  };
  switch (error.kind) {
  case runtime::ErrorKind::trap: fail_with(UserErrorCode::trapped); break;
  case runtime::ErrorKind::malformed:
  case runtime::ErrorKind::invalid:
  case runtime::ErrorKind::unsupported:
  case runtime::ErrorKind::limit: fail_with(UserErrorCode::invalid_module); break;
  case runtime::ErrorKind::unlinkable:
    fail_with(UserErrorCode::failed, "give the modules it imports from with --link NAME=FILE");
    break;
  case runtime::ErrorKind::exit:
  case runtime::ErrorKind::resource: fail_with(UserErrorCode::failed); break;
  }
  std::unreachable();
}

template <class T> T checked(runtime::Result<T> result, const std::string& subject) {
  if (!result) fail(result.error(), subject);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

constexpr const char* kModuleFile = "module.wasm";

// Where a module comes from, and its bytes.
struct ModuleFile {
  fs::path path;
  std::string bytes;
};

// A package's module, from a folder that somebody else has made.
ModuleFile module_of_folder(const fs::path& folder) {
  const fs::path path = folder / kModuleFile;
  return {.path = path, .bytes = store::read_all(store::open_beneath(folder, kModuleFile).get(), path)};
}

// The module that a user's word names: a .wasm or .wat file, a store path or a folder with module.wasm, or a package
// folder or file, which is built first.
ModuleFile find_module(Context& context, const BuildingOptions& building, const std::string& target) {
  if (target.starts_with(store::kStoreDir)) {
    const auto path = parse_store_path(target);
    if (!context.store().is_valid(path))
      throw UserError(path.full() + " is not in the store", "fetch it with kpkg install");
    const fs::path physical = context.store().physical(path);
    if (fs::is_symlink(fs::symlink_status(physical)))
      throw UserError(UserErrorCode::refused, path.full() + " is a link, not a module");
    if (fs::is_directory(physical)) return module_of_folder(physical);
    return {.path = physical, .bytes = store::read_file(physical)};
  }
  const fs::path path = target.empty() ? fs::path(".") : fs::path(target);
  if (!fs::exists(path)) throw UserError(target + ": no such file or folder");
  if (fs::is_directory(path) && fs::exists(path / kModuleFile)) return module_of_folder(path);
  if (!fs::is_directory(path) && path.extension() != ".nix") return {.path = path, .bytes = store::read_file(path)};
  ProjectOptions project_options;
  project_options.file = path.string();
  const auto eval_store = writing_eval_store(context, building);
  Project project(context, project_options, *eval_store);
  const auto derivations = project.derivations(project.evaluate());
  if (derivations.size() != 1)
    throw UserError(target + " gives several packages", "build them, then run one of the results");
  const auto result = build_targets(context, {{.drv_path = derivations[0].drv_path, .outputs = {"out"}}}, building);
  return module_of_folder(context.store().physical(result.targets[0].outputs.at("out").path));
}

std::shared_ptr<const runtime::Module> load(Context& context, const BuildingOptions& building, runtime::Engine& engine,
                                            const std::string& target) {
  const auto [file, bytes] = find_module(context, building, target);
  const auto binary = store::as_bytes(bytes);
  constexpr std::string_view kComponentHeader{"\0asm\x0d\0\1\0", 8}; // component model, binary format: layer 1
  if (bytes.starts_with(kComponentHeader))
    throw UserError(UserErrorCode::invalid_module,
                    file.string() + " is a component; this version runs core modules only");
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
      throw UserError(UserErrorCode::usage, "--env takes NAME=VALUE, not \"" + assignment + "\"");
    wasi->env.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  runtime::define_preview1(linker, store, wasi);

  for (const auto& link : options.links) {
    const size_t equals = link.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UserError(UserErrorCode::usage, "--link takes NAME=MODULE, not \"" + link + "\"");
    const std::string name = link.substr(0, equals), target = link.substr(equals + 1);
    const auto module = load(context, options.building, engine, target);
    const auto imports = checked(linker.resolve(*module), target);
    auto* instance = checked(store.instantiate(module, imports, name), target);
    if (const auto initialize = instance->find_export("_initialize"))
      if (auto* const* function = std::get_if<runtime::Func*>(&*initialize))
        checked(store.call(**function, {}), target);
    linker.define_instance(name, *instance);
  }
  const auto module = load(context, options.building, engine, options.target);
  const std::string subject = options.target.empty() ? "." : options.target;
  const auto imports = checked(linker.resolve(*module), subject);
  auto* instance = checked(store.instantiate(module, imports, module->name()), subject);
  const auto status = runtime::run_command(store, *instance);
  if (!status) fail(status.error(), subject);
  context.guest_status = static_cast<int>(*status & 0xff);
}

} // namespace

Command run_command() {
  const auto options = std::make_shared<Options>();
  Command command{
      .name = "run",
      .summary = "run a WebAssembly command with WASI preview 1; ends with its exit status",
      .description = "Compiles the module, links it and calls its _start function. Modules given with --link are "
                     "instantiated before it, in their order; each may import from those before it. A package is "
                     "built first, as by kpkg build.",
      .positionals = {{.name = "target",
                       .help = "a .wasm or .wat file, a store path, or a package; default: that of this folder",
                       .target = &options->target,
                       .kind = ValueKind::store_path},
                      {.name = "args", .help = "arguments of the guest; put -- before them", .target = &options->args}},
      .options = {{.names = "--env",
                   .value_name = "NAME=VALUE",
                   .help = "environment variable for the guest, which sees no others",
                   .target = &options->env},
                  {.names = "--link",
                   .value_name = "NAME=MODULE",
                   .help = "provide the imports of module NAME, in order",
                   .target = &options->links,
                   .kind = ValueKind::file},
                  {.names = "--memory-limit",
                   .value_name = "BYTES",
                   .help = "what the guest's memories may have together",
                   .target = &options->memory_limit_bytes}},
      .examples = {{"kpkg run hello.wasm -- you", "run a module with an argument"},
                   {"kpkg run --link greeter=examples/greeter examples/hello -- you",
                    "build two packages and link one to the other"}},
      .errors = {UserErrorCode::failed, UserErrorCode::evaluation, UserErrorCode::invalid_module,
                 UserErrorCode::trapped},
      .guest = true,
      .run = [options](Context& context) { run(context, *options); }};
  options->building.add_to(command);
  return command;
}

} // namespace kpkg
