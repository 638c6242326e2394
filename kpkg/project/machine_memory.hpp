// What limits of memory are measured by.
#pragma once
#include <cstdint>
#include <unistd.h>

namespace kpkg {

// All of the machine's, in use or not.
[[nodiscard]] inline uint64_t machine_memory_bytes() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace kpkg
