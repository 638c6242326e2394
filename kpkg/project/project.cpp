#include "kpkg/project/project.hpp"
#include "derivations/realise/toolchain.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include "kpkg/project/library.hpp"
#include "kpkg/project/machine_memory.hpp"
#include <format>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

namespace kpkg {

void ProjectOptions::add_to(Command& command) {
  command.positionals.push_back({.name = "file",
                                 .help = "expression file, or a folder with a kpkg.nix; default: the current folder",
                                 .target = &file,
                                 .kind = ValueKind::file});
  command.options.insert(command.options.end(),
                         {{.names = "-E,--expr",
                           .value_name = "TEXT",
                           .help = "evaluate this text instead of a file",
                           .target = &expression},
                          {.names = "-A,--attr",
                           .value_name = "PATH",
                           .help = "attribute path to select, as in a.b.\"c d\".0",
                           .target = &attribute},
                          {.names = "--argstr",
                           .value_name = "NAME VALUE",
                           .help = "pass a string argument to the expression's function",
                           .target = &string_arguments},
                          {.names = "-I,--include",
                           .value_name = "[NAME=]FOLDER",
                           .help = "let evaluation see this folder; as <NAME>, or its entries as <ENTRY>",
                           .target = &search_path,
                           .kind = ValueKind::folder},
                          {.names = "--eval-timeout",
                           .value_name = "SECONDS",
                           .help = "stop evaluation after so long, of processor time; 0: never",
                           .target = &timeout_s,
                           .range = {0, 1u << 30}},
                          {.names = "--eval-memory",
                           .value_name = "BYTES",
                           .help = "memory of an evaluation's values; 0: three quarters of the machine's",
                           .target = &memory_bytes},
                          {.names = "--impure",
                           .help = "allow all files, environment variables and the current system in evaluation",
                           .target = &impure}});
  command.files.push_back({"kpkg.nix", "expression of a package; default.nix where there is none"});
  command.errors.insert(command.errors.end(), {store::UserErrorCode::failed, store::UserErrorCode::evaluation});
}

fs::path project_file(const std::string& argument) {
  const fs::path path = argument.empty() ? fs::path(".") : fs::path(argument);
  if (!fs::exists(path)) throw store::UserError(path.string() + ": no such file or folder");
  if (!fs::is_directory(path)) return fs::absolute(path).lexically_normal();
  for (const char* name : {"kpkg.nix", "default.nix"})
    if (fs::exists(path / name)) return fs::absolute(path / name).lexically_normal();
  throw store::UserError(path.string() + " has no kpkg.nix", "name a file, or change to the folder of a package");
}

namespace {

void show_trace(std::string_view text) { std::cerr << "trace: " << printable_message(text, 2) << std::endl; }

// In a folder that all may write to, somebody else's repository would show an expression what is none of its.
bool is_repository_of_ours(const fs::path& folder) {
  struct stat info{};
  return ::lstat((folder / ".git").c_str(), &info) == 0 && (info.st_uid == ::geteuid() || info.st_uid == 0);
}

// The folder itself, or that of the repository it lies in.
fs::path project_folder(const fs::path& folder) {
  for (fs::path at = fs::weakly_canonical(folder); at != at.root_path(); at = at.parent_path())
    if (is_repository_of_ours(at)) return at;
  return folder;
}

lang::EvalOptions eval_options(const ProjectOptions& options) {
  const bool is_text = !options.expression.empty();
  const fs::path file = is_text ? fs::path{} : project_file(options.file);
  std::vector<fs::path> allowed{project_folder(is_text ? fs::current_path() : file.parent_path())};
  if (!is_text) allowed.push_back(file); // a link of the project's may lead to it from elsewhere
  lang::EvalOptions result{
      .pure = !options.impure, .search_path = {{"kpkgs", kLibraryFolder}}, .embedded_files = library_files()};
  result.max_memory_bytes = options.memory_bytes != 0 ? options.memory_bytes : machine_memory_bytes() / 4 * 3;
  result.trace_output = show_trace;
  result.max_time = std::chrono::seconds(options.timeout_s);
  for (const std::string& entry : options.search_path) {
    const size_t equals = entry.find('=');
    const std::string name = equals == std::string::npos ? "" : entry.substr(0, equals);
    const fs::path folder =
        fs::absolute(equals == std::string::npos ? entry : entry.substr(equals + 1)).lexically_normal();
    if (!fs::exists(folder)) throw store::UserError("-I " + entry + ": no such file or folder");
    result.search_path.emplace_back(name, folder);
    allowed.push_back(folder);
  }
  result.allowed_paths = std::move(allowed);
  return result;
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
      lang::Value* library = evaluator_.eval_file(kLibraryFolder);
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
    throw store::UserError(store::UserErrorCode::evaluation,
                           "the expression gives no derivation, nor a set or list of them",
                           "select one with -A, or look at it with: kpkg eval");
  return found;
}

} // namespace kpkg
