// Whole reads and whole writes: calls that were interrupted or did only a part are gone on with.
#pragma once
#include "store/base/error.hpp"
#include "store/posix/unique_fd.hpp"
#include <filesystem>
#include <string>

namespace store {

// Opens with O_CLOEXEC added to `flags`; UserError where that fails. `mode` is for O_CREAT.
[[nodiscard]] UniqueFd open_file(const std::filesystem::path& file, int flags, unsigned mode = 0);

// A plain file below a folder that somebody else may have filled: links are followed only where they stay below it
// (openat2(2); a kernel without it follows none), and a pipe or device is an error at once. UserError.
[[nodiscard]] UniqueFd open_beneath(const std::filesystem::path& folder, const std::string& relative);

// 0, or the errno that ended it. For what may not throw; others use write_all.
[[nodiscard]] int try_write_all(int fd, Bytes data) noexcept;
// UserError that names `shown`, the file behind `fd`.
void write_all(int fd, Bytes data, const std::filesystem::path& shown);

// Reads up to buffer.size() bytes, at least one unless the file ends; the number read, 0 at the end.
[[nodiscard]] size_t read_some(int fd, std::span<std::byte> buffer, const std::filesystem::path& shown);

// All of a file, also of one that says it is empty (/proc, pipes). A folder, a missing file, or more than `limit_bytes`
// is a UserError.
[[nodiscard]] std::string read_file(const std::filesystem::path& file, size_t limit_bytes = ~size_t{0});
// The same of an open file, from where it stands.
[[nodiscard]] std::string read_all(int fd, const std::filesystem::path& shown, size_t limit_bytes = ~size_t{0});

} // namespace store
