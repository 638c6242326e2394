// An owned file descriptor, and system errors as StoreErrors.
#pragma once
#include "store/local/local_store.hpp"
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace store {

class UniqueFd {
public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

private:
  int fd_ = -1;
};

// «cannot WHAT PATH: REASON», from errno.
[[noreturn]] inline void throw_errno(std::string_view what, const std::filesystem::path& path, int error = errno) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "free some space, for example with kpkg store gc";
  if (error == EACCES || error == EPERM)
    hint = "check the folder's owner and permissions, or set KPKG_ROOT to a folder of yours";
  throw StoreError("cannot " + std::string{what} + " " + path.string() + ": " + std::strerror(error), hint);
}

template <class Int> Int check_errno(Int result, std::string_view what, const std::filesystem::path& path) {
  if (result < 0) throw_errno(what, path);
  return result;
}

} // namespace store
