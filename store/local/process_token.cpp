// Locks by flock(2): the kernel frees them when the last descriptor closes, also after kill -9. A lock file may be
// removed by whoever holds its lock, so that everyone who got a lock looks whether the file is still the one there.
#include "store/local/process_token.hpp"
#include "store/format/encoding.hpp"
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace store {
namespace {

namespace fs = std::filesystem;

bool is_same_file(int fd, const fs::path& path) {
  struct stat ours{}, there{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

UniqueFd open_lock_file(const fs::path& path) {
  return UniqueFd{
      check_errno(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), "open the lock", path)};
}

// Locked exclusively, and still the file at `path`.
UniqueFd lock_existing(const fs::path& path) {
  while (true) {
    UniqueFd fd = open_lock_file(path);
    lock_file(fd.get(), LOCK_EX, path);
    if (is_same_file(fd.get(), path)) return fd;
  }
}

std::string random_token() {
  std::array<std::byte, 10> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return encode_nix32(bytes);
}

} // namespace

void lock_file(int fd, int operation, const fs::path& path) {
  while (::flock(fd, operation) != 0) {
    if (errno != EINTR) throw_errno("lock", path);
  }
}

std::string process_token(const fs::path& processes) {
  // The process itself is what the tokens stand for: this is the one thing of the store that is per process.
  static std::mutex mutex;
  static std::map<fs::path, std::pair<std::string, UniqueFd>> tokens;
  const std::lock_guard guard{mutex};
  auto& [token, fd] = tokens[processes];
  // The file is gone when the folder was removed (tests do that) and made again.
  if (token.empty() || !is_same_file(fd.get(), processes / token)) {
    token = random_token();
    fd = lock_existing(processes / token);
  }
  return token;
}

bool is_process_alive(const fs::path& processes, std::string_view token) {
  const fs::path path = processes / token;
  const UniqueFd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd) {
    if (errno == ENOENT) return false;
    throw_errno("open the lock", path);
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return true;
  ::unlink(path.c_str());
  return false;
}

PathLock::PathLock(const fs::path& path) : fd_(lock_existing(path).release()), file_(path) {}

PathLock::~PathLock() {
  ::unlink(file_.c_str()); // while it is held: who waits for it will see that it is gone
  ::close(fd_);
}

} // namespace store
