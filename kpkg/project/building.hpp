// Building from the command line: the options of commands that build, fetching before building, progress, interruption.
#pragma once
#include "derivations/lang/evaluator.hpp"
#include "derivations/realise/scheduler.hpp"
#include "kpkg/cli/command.hpp"

namespace kpkg {

struct BuildingOptions {
  std::string key_file;
  unsigned jobs = 0;
  bool keep_failed = false;
  bool check = false;
  unsigned timeout_s = 10 * 3600, silence_s = 3600;
  uint64_t log_bytes = uint64_t{64} << 20;
  uint64_t memory_bytes = 0; // 0: three quarters of the machine's
  uint64_t processes = 4096, descriptors = 16384;
  uint64_t disk_bytes = uint64_t{100} << 30;
  std::vector<std::string> passed_variables;
  std::vector<std::string> from;         // caches to substitute from
  std::vector<std::string> trusted_keys; // for them
  // Adds the options, files, variables and errors to a command's record.
  void add_to(Command& command);
};

// Builds with progress on standard error. After an interrupt it throws UserErrorCode::interrupted.
realise::BuildResult build_targets(Context& context, const std::vector<realise::BuildTarget>& targets,
                                   const BuildingOptions& options);

// An EvalStore on the local store whose import-from-derivation builds with `options`, which must outlive it.
[[nodiscard]] std::unique_ptr<lang::LocalEvalStore> writing_eval_store(Context& context,
                                                                       const BuildingOptions& options);

} // namespace kpkg
