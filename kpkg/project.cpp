#include "kpkg/project.hpp"
#include "derivations/realise/toolchain.hpp"
#include "store/remote/copy.hpp"
#include <csignal>
#include <cstdlib>
#include <format>

namespace kpkg {

void ProjectOptions::add_to(CLI::App& command) {
  command.add_option("file", file, "expression file, or a folder with a kpkg.nix (default: .)");
  command.add_option("-E,--expr", expression, "evaluate this text instead of a file");
  command.add_option("-A,--attr", attribute, "attribute path to select, as in a.b.\"c d\".0");
  command.add_option("--argstr", argstr_, "NAME VALUE: pass a string argument to the expression's function")
      ->type_size(2)
      ->allow_extra_args(false);
  command.add_flag("--impure", impure, "allow environment variables and the current system in evaluation");
  command.parse_complete_callback([this] {
    for (size_t i = 0; i + 1 < argstr_.size(); i += 2) string_arguments[argstr_[i]] = argstr_[i + 1];
  });
}

fs::path project_file(const std::string& argument) {
  const fs::path path = argument.empty() ? fs::path(".") : fs::path(argument);
  if (!fs::exists(path)) throw Failure(kFailed, path.string() + ": no such file or folder");
  if (!fs::is_directory(path)) return fs::absolute(path).lexically_normal();
  for (const char* name : {"kpkg.nix", "default.nix"})
    if (fs::exists(path / name)) return fs::absolute(path / name).lexically_normal();
  throw Failure(kFailed, path.string() + " has no kpkg.nix", "name a file, or change to the folder of a package");
}

namespace {

lang::EvalOptions eval_options(const ProjectOptions& options) {
  return {.pure = !options.impure, .search_path = {{"kpkgs", Context::shared_file("kpkgs")}}};
}

// The set of toolchains: store paths of those that have been imported; the others throw the command that would help.
lang::Value* toolchains(lang::Evaluator& evaluator, store::LocalStore& store) {
  std::map<std::string, lang::Value*> imported;
  std::string missing = "imported: { ";
  for (const auto& name : realise::toolchain_names()) {
    if (const auto path = realise::find_toolchain(store, name))
      imported[name] = evaluator.make_string(path->full(), {lang::ContextElement{.path = *path}});
    else
      missing += std::format("{0} = throw \"the toolchain '{0}' is not in the store yet; import it: "
                             "kpkg toolchain import {0}\"; ",
                             name);
  }
  return evaluator.call(evaluator.eval_string(missing + "} // imported", "/", "«toolchains»"),
                        evaluator.make_attrs(imported));
}

} // namespace

Project::Project(Context& context, const ProjectOptions& options, lang::EvalStore& eval_store)
    : context_(context), options_(options), evaluator_(eval_store, eval_options(options)) {}

std::map<std::string, lang::Value*> Project::arguments() {
  std::map<std::string, lang::Value*> arguments;
  for (const auto& [name, text] : options_.string_arguments) arguments[name] = evaluator_.make_string(text);
  return arguments;
}

lang::Value* Project::evaluate() {
  auto arguments = this->arguments();
  lang::Value* value = options_.expression.empty() ? evaluator_.eval_file(project_file(options_.file))
                                                   : evaluator_.eval_string(options_.expression, fs::current_path());
  // Only a function that asks for kpkgs gets it: a plain expression evaluates without a store.
  if (evaluator_.type(value) == lang::ValueType::function) {
    if (evaluator_.function_arguments(value).contains("kpkgs") && !arguments.contains("kpkgs")) {
      lang::Value* library = evaluator_.eval_file(Context::shared_file("kpkgs"));
      arguments["kpkgs"] =
          evaluator_.call(library, evaluator_.make_attrs({{"toolchains", toolchains(evaluator_, context_.store())}}));
    }
    value = evaluator_.auto_call(value, arguments);
  }
  if (!options_.attribute.empty()) value = evaluator_.select(value, options_.attribute, arguments);
  return value;
}

std::vector<lang::DerivationInfo> Project::derivations(lang::Value* value) {
  std::vector<lang::DerivationInfo> found;
  const auto add = [&](lang::Value* candidate) {
    if (auto info = evaluator_.derivation(candidate)) found.push_back(std::move(*info));
  };
  add(value);
  if (found.empty() && evaluator_.type(value) == lang::ValueType::list)
    for (lang::Value* item : evaluator_.list(value)) add(item);
  if (found.empty() && evaluator_.type(value) == lang::ValueType::attrs)
    for (const auto& name : evaluator_.attribute_names(value)) add(evaluator_.attribute(value, name));
  if (found.empty())
    throw Failure(kEvalFailed, "the expression gives no derivation, nor a set or list of them",
                  "select one with -A, or look at it with: kpkg eval");
  return found;
}

void BuildingOptions::add_to(CLI::App& command) {
  command.add_option("--key", key_file, "secret key file that signs what is built")->envname("KPKG_KEY");
  command.add_option("-j,--jobs", jobs, "builds at once (default: one a processor)");
  command.add_flag("--keep-failed", keep_failed, "keep the folder of a failed build");
  command.add_option("--timeout", timeout_s, "seconds after which a build is stopped")->check(CLI::NonNegativeNumber);
  command.add_option("--from", from, "URL of a registry to fetch finished paths from (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--trusted-key", trusted_keys, "NAME:BASE64 of a key whose signatures are accepted (repeatable)")
      ->allow_extra_args(false);
}

namespace {

std::atomic<bool> interrupted = false;

class ProgressLines final : public realise::BuildObserver {
public:
  explicit ProgressLines(const Context& context) : context_(context) {}
  void planned(size_t builds, size_t substituted) override {
    if (builds + substituted > 0) context_.say(std::format("{} to build, {} fetched", builds, substituted));
  }
  void started(const store::StorePath& drv) override { context_.say("building " + std::string(drv.name())); }
  void log_line(const store::StorePath& drv, std::string_view line) override {
    context_.say(std::format("{}> {}", drv.name().substr(0, drv.name().size() - 4), line));
  }
  void finished(const store::StorePath& drv, double seconds) override {
    context_.say(std::format("built {} in {:.1f} s", drv.name(), seconds));
  }
  void failed(const store::StorePath& drv, const store::UserError&) override {
    context_.say("failed " + std::string(drv.name()));
  }

private:
  const Context& context_;
};

} // namespace

realise::BuildResult build_targets(Context& context, const std::vector<realise::BuildTarget>& targets,
                                   const BuildingOptions& options) {
  ProgressLines progress(context);
  realise::BuildOptions build_options{
      .jobs = options.jobs, .keep_failed = options.keep_failed, .check = options.check, .observer = &progress};
  build_options.limits.timeout = std::chrono::seconds(options.timeout_s);
  build_options.limits.cancel = &interrupted;
  std::optional<store::SecretKey> key;
  if (!options.key_file.empty()) build_options.signing_key = &key.emplace(read_secret_key(options.key_file));

  std::vector<std::unique_ptr<store::BinaryCache>> caches;
  std::vector<store::BinaryCache*> asked;
  const store::CopyOptions copy{.trusted = trusted_keys(context, options.trusted_keys)};
  for (const auto& url : options.from)
    asked.push_back(caches.emplace_back(std::make_unique<store::BinaryCache>(url)).get());
  if (!asked.empty())
    build_options.try_substitute = [&](const store::StorePath& path) {
      for (store::BinaryCache* cache : asked) try {
          if (!cache->has(path)) continue;
          store::install_closure(context.store(), {cache}, {path}, copy);
          return true;
        } catch (const store::UserError& error) { // a cache is a hint: build instead
          context.say("warning: " + std::string(error.what()));
        }
      return false;
    };

  interrupted = false;
  const auto stop = [](int) { interrupted = true; };
  const auto previous = std::signal(SIGINT, stop);
  auto result = realise::build(context.store(), targets, build_options);
  std::signal(SIGINT, previous);
  return result;
}

std::unique_ptr<lang::LocalEvalStore> writing_eval_store(Context& context) {
  return std::make_unique<lang::LocalEvalStore>(
      context.store(), [&context](const store::StorePath& drv, const std::set<std::string>& outputs) {
        (void)build_targets(context, {{.drv_path = drv, .outputs = outputs}}, {});
      });
}

} // namespace kpkg
