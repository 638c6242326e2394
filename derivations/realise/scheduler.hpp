// Realises derivations: decides what must be built, fetches what somebody else has built, and builds the rest in
// dependency order, several at once.
//
// Planning walks from the targets down: a derivation whose wanted outputs are valid, or become so by substitution,
// hides its inputs; only what is missing is looked at. Building is one thread a job, each with a LocalStore of its own.
// Before a build starts, its outputs' locks are taken and their validity is asked again, so that two processes never
// build one derivation twice. A failure stops only what depends on it; everything else is finished, then the error
// names all.
#pragma once
#include "derivations/realise/native_builder.hpp"
#include <string>
#include <vector>

namespace realise {

struct BuildTarget {
  store::StorePath drv_path;
  std::set<std::string> outputs; // empty: all
};

// Progress, for a display. Called from several threads, never from two at once.
class BuildObserver {
public:
  virtual ~BuildObserver() = default;
  virtual void planned(size_t /*builds*/, size_t /*substituted*/) {}
  virtual void started(const store::StorePath& /*drv_path*/) {}
  virtual void log_line(const store::StorePath& /*drv_path*/, std::string_view /*line*/) {}
  virtual void finished(const store::StorePath& /*drv_path*/, double /*seconds*/) {}
  virtual void failed(const store::StorePath& /*drv_path*/, const store::UserError& /*error*/) {}
};

struct BuildOptions {
  unsigned jobs = 0;                             // builds at once; 0: one a processor
  bool keep_failed = false;                      // as in NativeBuildOptions
  bool check = false;                            // build the targets, which are valid already, again, and compare
  RunLimits limits;                              // of each build; limits.cancel stops all of them
  std::vector<std::string> passed_variables;     // as in NativeBuildOptions
  const store::SecretKey* signing_key = nullptr; // signs what is built
  // Makes a path valid with its closure from elsewhere (a registry), and says whether it did. Called in the thread of
  // build(), while planning.
  std::function<bool(const store::StorePath&)> try_substitute;
  BuildObserver* observer = nullptr;
};

struct BuiltTarget {
  store::StorePath drv_path;
  std::map<std::string, store::PathInfo> outputs; // the wanted ones
};

struct BuildResult {
  std::vector<BuiltTarget> targets;          // in the order asked for
  std::vector<store::StorePath> built;       // derivations built now, in the order in which they ended
  std::vector<store::StorePath> substituted; // output paths
};

struct BuildFailure {
  store::StorePath drv_path;
  std::string message;
  std::string hint;
};

// One or more builds failed. what() has every failure's message; the hint is that of the first one.
class BuildsFailed : public store::UserError {
public:
  BuildsFailed(const std::string& message, std::string hint, std::vector<BuildFailure> failures)
      : UserError(store::UserErrorCode::build, message, std::move(hint)), failures_(std::move(failures)) {}
  [[nodiscard]] const std::vector<BuildFailure>& failures() const { return failures_; } // by .drv path

private:
  std::vector<BuildFailure> failures_;
};

// Throws BuildsFailed; UserError for what prevents planning (an unknown output, a lost .drv, a source
// that is neither valid nor substitutable).
[[nodiscard]] BuildResult build(store::LocalStore& local, const std::vector<BuildTarget>& targets,
                                const BuildOptions& options = {});

} // namespace realise
