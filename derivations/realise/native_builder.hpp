// The native builder: runs one derivation's builder in a sandbox of the host and registers what it made.
//
// The sandbox shows, besides /proc and a minimal /dev:
//   /kpkg/store    the closure of the inputs, read-only; the builder makes its outputs here
//   /build         its empty working folder (also TMPDIR)          /tmp  an empty folder
//   /etc           passwd, group and hosts; name resolution's files where the network is open
//   /…             the top-level entries of the store path that the variable `sandboxRoot` names, if any, read-only
//
// `sandboxRoot` is this project's convention: a captured host toolchain expects its loader and libraries at their host
// paths. It must be an input, so that the derivation's hash names everything that built it.
//
// The network is open to fixed-output derivations only. The environment is the derivation's, over these defaults:
// PATH=/path-not-set HOME=/homeless-shelter NIX_STORE NIX_BUILD_TOP KPKG_BUILD_TOP TMPDIR TEMPDIR TMP TEMP TZ=UTC
// SOURCE_DATE_EPOCH=1 NIX_BUILD_CORES=1, and for each name in `passAsFile` NAMEPath in place of NAME.
//
// Invariants: an output is registered only after the builder has succeeded and every output of the derivation exists
// and has passed its checks. Whatever happens, nothing of an unsuccessful build is left in the store.
#pragma once
#include "derivations/realise/sandbox.hpp"
#include "store/local/local_store.hpp"

namespace realise {

struct NativeBuildOptions {
  bool keep_failed = false; // leave the build folder of a failure in ROOT/var/failed/, and name it in the error
  bool check = false;       // outputs are valid already: build again, compare, register nothing
  RunLimits limits;
  std::vector<std::string> passed_variables;          // of this process's environment, for impureEnvVars
  std::function<void(std::string_view line)> on_line; // of the builder's output, without its line feed
};

// All inputs must be valid. Returns the outputs' infos; in check mode those of the store. Throws UserError, with the
// last lines of the log in its message.
[[nodiscard]] std::vector<store::PathInfo> build_natively(store::LocalStore& local, const store::StorePath& drv_path,
                                                          const store::Derivation& derivation,
                                                          const NativeBuildOptions& options);

} // namespace realise
