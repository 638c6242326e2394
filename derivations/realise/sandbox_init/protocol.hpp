// What kpkg and the first process of a sandbox say to each other. kpkg starts it with these descriptors open; the order
// goes in one file, everything else over a socket that keeps messages apart (SOCK_SEQPACKET).
#pragma once
#include <cstdint>

namespace realise::sandbox {

inline constexpr int kOrderFd = 3;   // an OrderHeader and its texts
inline constexpr int kFilterFd = 4;  // the system-call filter: an array of sock_filter
inline constexpr int kControlFd = 5; // Messages out, single bytes («go on») in
inline constexpr int kProgramFd = 6; // the program itself, for exec

// Behind the header stand texts, each with its NUL: the build folder, the store's folder ("" where there is none), the
// working folder inside, then for each mount its source and its place below the sandbox's root, then the program, its
// arguments, and the environment.
struct OrderHeader {
  uint32_t mounts, arguments, variables;
  uint8_t shares_network; // with the host
  uint8_t leaves_groups;  // started by root: supplementary groups can be and must be dropped
  uint64_t memory_bytes, processes, descriptors, file_bytes; // resource limits; 0: as they are
};

// A mount's source begins with one of these letters, then comes its path.
inline constexpr char kFromStore = 's';  // below the store's folder; read-only
inline constexpr char kFromHost = 'h';   // read-only
inline constexpr char kFromHostRw = 'w'; // writable

struct Message {
  enum class Kind : uint32_t {
    wants_identity, // waits for uid_map and gid_map
    first_process,  // `value`: its number, in the host's namespace; waits for leave to reap it
    started,        // the program runs
    not_executed,   // `value`: errno of its execution
    failed,         // `value`: errno; `text`: the step that failed
    ended,          // `value`: the program's status as waitpid(2) gives it
  };
  Kind kind;
  int32_t value;
  char text[120];
};

} // namespace realise::sandbox
