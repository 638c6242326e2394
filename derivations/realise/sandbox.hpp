// One program in a sandbox of its own: a child process under bubblewrap (`bwrap`), in new user, process, IPC, host name
// and (unless `network`) network namespaces. It sees a read-only empty root with exactly the given mounts, a fresh
// /proc and a minimal /dev, runs as uid 1000, gid 100 without capabilities on the host `localhost`, with the given
// environment and nothing else, with /dev/null as its input. Needs no root and no daemon.
//
// When the program ends, when this process dies, or when a limit is passed, every process of the sandbox is killed; the
// call returns only after the last of them is gone, so that its folders may be moved or deleted.
#pragma once
#include "derivations/realise/build_error.hpp"
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace realise {

struct SandboxMount {
  std::filesystem::path host; // an existing folder or file, not a symlink (a mount would follow it)
  std::string inside;         // an absolute path; its mount point must exist in an earlier mount, or lie in the root
  bool writable = false;
};

struct SandboxSymlink { // at the root or below a folder of it that is no mount
  std::string inside;
  std::string target;
};

struct Sandbox {
  std::vector<SandboxMount> mounts; // in order
  std::vector<SandboxSymlink> symlinks;
  bool network = false;
  std::string working_folder;
  std::map<std::string, std::string> env;
  std::string program; // a path inside
  std::vector<std::string> args;
};

struct RunLimits {
  std::chrono::seconds timeout{0};        // 0: none; of the whole run
  std::chrono::seconds silent_timeout{0}; // 0: none; without a byte of output
  uint64_t max_output_bytes = 64u << 20;
  const std::atomic<bool>* cancel = nullptr; // set by anyone to stop the run
};

struct RunOutcome {
  enum class Kind : uint8_t {
    exited,       // `status` is the exit status
    signalled,    // `status` is the signal that ended the program
    timed_out,    // killed after limits.timeout
    fell_silent,  // killed after limits.silent_timeout
    output_limit, // killed after limits.max_output_bytes
    cancelled,    // killed because *limits.cancel was set
    not_started,  // the sandbox could not be set up or the program not be executed; `detail` has bwrap's words
  };
  Kind kind = Kind::exited;
  int status = 0;
  std::string detail;
};

// Standard output and error of the program, as they come, go to `on_output` in the calling thread; an exception from it
// kills the sandbox and is passed on. Throws UserError when bwrap is not installed, or the sandbox has more mounts,
// variables or longer arguments than the system can pass.
[[nodiscard]] RunOutcome run_in_sandbox(const Sandbox& sandbox, const RunLimits& limits,
                                        const std::function<void(std::string_view)>& on_output);

} // namespace realise
