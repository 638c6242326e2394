// Which system calls a builder has: all but those that no compiler needs and that reach beyond a process's own files,
// memory and children (seccomp(2), through libseccomp).
#pragma once
#include "store/posix/unique_fd.hpp"

namespace realise {

// The filter's program (an array of sock_filter) in an anonymous file. `shares_network`: the builder is in the host's
// network namespace, where sockets of AF_UNIX would reach the host's processes. Throws UserError.
[[nodiscard]] store::UniqueFd system_call_filter(bool shares_network);

} // namespace realise
