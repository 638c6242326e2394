// The name under which a running process is known to a store: a file in var/processes that it keeps locked until it
// ends, however it ends. What the name marks (temporary roots, unfinished trees) is garbage once the lock is free.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace store {

// This process's token for the store that `processes` (var/processes) belongs to; made at the first call. Thread-safe.
[[nodiscard]] std::string process_token(const std::filesystem::path& processes);

// False when the process has ended; then the token's file is removed. True for the calling process's own.
[[nodiscard]] bool is_process_alive(const std::filesystem::path& processes, std::string_view token);

} // namespace store
