// Locks between processes by flock(2): the kernel frees them when the last descriptor closes, also after kill -9. A
// LockFile's file is removed by whoever holds the lock, so that everyone who got a lock looks whether the file is still
// the one there.
#pragma once
#include "store/posix/unique_fd.hpp"
#include <filesystem>
#include <optional>

namespace store {

// flock(2), waiting; restarted after signals. `shown` is for the error.
void lock_file(int fd, int operation, const std::filesystem::path& shown);

// The file at `fd` is still the one that the name leads to.
[[nodiscard]] bool is_same_file(int fd, const std::filesystem::path& path);

// A file locked exclusively; removed when released.
class LockFile {
public:
  explicit LockFile(std::filesystem::path file); // made where missing; blocks
  enum class Missing : uint8_t { create, give_up };
  // Without waiting: nothing when another holds it, or when there is no such file and it is not to be made.
  [[nodiscard]] static std::optional<LockFile> try_lock(const std::filesystem::path& file, Missing missing);
  ~LockFile();
  LockFile(LockFile&&) noexcept = default;
  LockFile& operator=(LockFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

private:
  LockFile(std::filesystem::path file, UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}
  std::filesystem::path file_;
  UniqueFd fd_;
};

} // namespace store
