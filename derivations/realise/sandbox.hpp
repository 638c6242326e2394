// One program in a sandbox of its own: new user, mount, process, IPC, host name, cgroup and (unless `network`) network
// namespaces. It sees a root with exactly the given mounts, a fresh /proc whose controls are read-only, and a minimal
// /dev; runs as uid 1000, gid 100 without capabilities, keys or set-uid programs on the host `localhost`, behind a
// system-call filter, with the given environment and nothing else, with /dev/null as its input. Outside of the sandbox
// it is `identity`, which is never root. No list of mounts tells it a path of the host. Needs no root and no daemon.
//
// When the program ends, when this process dies, or when a limit is passed, every process of the sandbox is killed; the
// call returns only after the last of them is gone, so that its folders may be moved or deleted. What the program
// prints is never taken for words of the sandbox.
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
#include <sys/types.h>
#include <vector>

namespace realise {

struct SandboxMount {
  std::filesystem::path host; // an existing folder or file, not a symlink; below Sandbox::store: read-only by that way
  std::string inside;         // an absolute path; its mount point is made
  bool writable = false;
};

struct SandboxSymlink { // at the root or below a folder of it that is no mount
  std::string inside;
  std::string target;
};

// Who the sandbox's uid 1000 and gid 100 are outside. Another one than this process's own only where this is root.
struct HostIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Sandbox {
  // A folder that `identity` owns. Its `root` is the sandbox's root, in which folders may have been made before: they
  // are what the program can write.
  std::filesystem::path folder;
  std::filesystem::path store; // a folder of immutable trees, from which mounts come; may be empty
  HostIdentity identity;
  std::vector<SandboxMount> mounts; // in order
  std::vector<SandboxSymlink> symlinks;
  bool network = false; // the host's, without its sockets of AF_UNIX
  std::string working_folder;
  std::map<std::string, std::string> env;
  std::string program; // a path inside
  std::vector<std::string> args;
};

// 0: none.
struct RunLimits {
  std::chrono::seconds timeout{0};        // of the whole run
  std::chrono::seconds silent_timeout{0}; // without a byte of output
  uint64_t max_output_bytes = 64u << 20;
  uint64_t memory_bytes = 0; // writable memory of one process
  uint64_t processes = 0;
  uint64_t descriptors = 0;                  // of one process
  uint64_t disk_bytes = 0;                   // of the folder; looked at every now and then
  const std::atomic<bool>* cancel = nullptr; // set by anyone to stop the run
};

struct RunOutcome {
  enum class Kind : uint8_t {
    exited,       // `status` is the exit status
    signalled,    // `status` is the signal that ended the program
    timed_out,    // killed after limits.timeout
    fell_silent,  // killed after limits.silent_timeout
    output_limit, // killed after limits.max_output_bytes
    disk_limit,   // killed after limits.disk_bytes
    cancelled,    // killed because *limits.cancel was set
    not_executed, // the program cannot be executed: `status` is errno
    not_started,  // the sandbox cannot be set up: `status` is errno, `detail` the step
  };
  Kind kind = Kind::exited;
  int status = 0;
  std::string detail;
};

// Standard output and error of the program, as they come, go to `on_output` in the calling thread; an exception from it
// kills the sandbox and is passed on. Throws UserError when the sandbox has more mounts, variables or longer arguments
// than the system can pass.
[[nodiscard]] RunOutcome run_in_sandbox(const Sandbox& sandbox, const RunLimits& limits,
                                        const std::function<void(std::string_view)>& on_output);

// The identity of a sandbox that this process makes: its own, or for root one of the numbers that belong to nobody.
// Two that run at once must have different `slot`s.
[[nodiscard]] HostIdentity identity_for_slot(unsigned slot);

} // namespace realise
