#include "store/posix/lock_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr int kOpenFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

} // namespace

void lock_file(int fd, int operation, const fs::path& shown) {
  while (::flock(fd, operation) != 0)
    if (errno != EINTR) throw_errno("lock", shown);
}

bool is_same_file(int fd, const fs::path& path) {
  struct stat ours{}, there{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

LockFile::LockFile(fs::path file) : file_(std::move(file)) {
  do {
    fd_ = open_file(file_, kOpenFlags | O_CREAT, 0600);
    lock_file(fd_.get(), LOCK_EX, file_);
  } while (!is_same_file(fd_.get(), file_));
}

std::optional<LockFile> LockFile::try_lock(const fs::path& file, Missing missing) {
  while (true) {
    UniqueFd fd{::open(file.c_str(), kOpenFlags | (missing == Missing::create ? O_CREAT : 0), 0600)};
    if (!fd) {
      if (errno == ENOENT && missing == Missing::give_up) return std::nullopt;
      throw_errno("open the lock", file);
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw_errno("lock", file);
    }
    if (is_same_file(fd.get(), file)) return LockFile{file, std::move(fd)};
  }
}

LockFile::~LockFile() {
  if (fd_) ::unlink(file_.c_str()); // while it is held: who waits for it will see that it is gone
}

} // namespace store
