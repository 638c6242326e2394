// The user's expression: a kpkg.nix or system.nix, evaluated with the arguments that kpkg provides ({ kpkgs, … }).
#pragma once
#include "derivations/lang/evaluator.hpp"
#include "kpkg/cli/command.hpp"

namespace kpkg {

// Options that every evaluating command has.
struct ProjectOptions {
  std::string file;                                    // a file, a folder with a kpkg.nix, or a .drv path; default "."
  std::string expression;                              // -E: instead of a file
  std::string attribute;                               // -A
  std::map<std::string, std::string> string_arguments; // --argstr
  std::vector<std::string> search_path;                // -I: FOLDER or NAME=FOLDER
  bool impure = false;
  unsigned timeout_s = 3600;
  uint64_t memory_bytes = 0; // 0: three quarters of the machine's
  // Adds the argument `file` and the options to a command's record.
  void add_to(Command& command);
};

class Project {
public:
  Project(Context& context, const ProjectOptions& options, lang::EvalStore& eval_store);
  [[nodiscard]] lang::Evaluator& evaluator() { return evaluator_; }
  [[nodiscard]] lang::Value* evaluate(); // the selected value, its function called

  // All derivations in a value: itself, or those in a set or list of derivations. UserError where there is none.
  [[nodiscard]] std::vector<lang::DerivationInfo> derivations(lang::Value* value);

private:
  [[nodiscard]] std::map<std::string, lang::Value*> arguments();
  Context& context_;
  const ProjectOptions& options_;
  lang::Evaluator evaluator_;
};

// "kpkg.nix" in a folder, or the file itself.
[[nodiscard]] fs::path project_file(const std::string& argument);

} // namespace kpkg
