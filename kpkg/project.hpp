// The user's expression: a kpkg.nix or system.nix, evaluated with the arguments that kpkg provides ({ kpkgs, … }).
#pragma once
#include "derivations/lang/evaluator.hpp"
#include "derivations/realise/scheduler.hpp"
#include "kpkg/command.hpp"

namespace kpkg {

// Options that every evaluating command has.
struct ProjectOptions {
  std::string file;                                    // a file, a folder with a kpkg.nix, or a .drv path; default "."
  std::string expression;                              // -E: instead of a file
  std::string attribute;                               // -A
  std::map<std::string, std::string> string_arguments; // --argstr
  bool impure = false;
  void add_to(CLI::App& command);

private:
  std::vector<std::string> argstr_;
};

class Project {
public:
  // `realise` builds what import-from-derivation needs; empty: that is an error.
  Project(Context& context, const ProjectOptions& options, lang::EvalStore& eval_store);
  [[nodiscard]] lang::Evaluator& evaluator() { return evaluator_; }
  [[nodiscard]] lang::Value* evaluate(); // the selected value, its function called

  // All derivations in a value: itself, or those in a set or list of derivations. Failure where there is none.
  [[nodiscard]] std::vector<lang::DerivationInfo> derivations(lang::Value* value);

private:
  [[nodiscard]] std::map<std::string, lang::Value*> arguments();
  Context& context_;
  const ProjectOptions& options_;
  lang::Evaluator evaluator_;
};

// "kpkg.nix" in a folder, or the file itself.
[[nodiscard]] fs::path project_file(const std::string& argument);

// Options of commands that build.
struct BuildingOptions {
  std::string key_file;
  unsigned jobs = 0;
  bool keep_failed = false;
  bool check = false;
  int timeout_s = 0;
  std::vector<std::string> from;         // caches to substitute from
  std::vector<std::string> trusted_keys; // for them
  void add_to(CLI::App& command);
};
// Builds with progress lines on standard error.
realise::BuildResult build_targets(Context& context, const std::vector<realise::BuildTarget>& targets,
                                   const BuildingOptions& options);

// An EvalStore on the local store whose import-from-derivation builds.
[[nodiscard]] std::unique_ptr<lang::LocalEvalStore> writing_eval_store(Context& context);

} // namespace kpkg
