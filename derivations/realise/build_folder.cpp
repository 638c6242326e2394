// The lock file stands beside its folder and is locked before the folder is made: a folder without a locked file is
// always an orphan.
#include "derivations/realise/build_folder.hpp"
#include "derivations/realise/build_error.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/user_error.hpp"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace realise {
namespace {
namespace fs = std::filesystem;

// A folder that cannot be removed now is an orphan for the next sweep: no reason to fail a build.
void remove_quietly(const fs::path& tree) {
  try {
    store::remove_tree(tree);
  } catch (const store::UserError&) {
  }
}

int open_locked(const fs::path& file, bool create) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

} // namespace

BuildFolder::BuildFolder(const fs::path& store_root, std::string_view digest) : root_(store_root) {
  static std::atomic<unsigned> count{0};
  const fs::path builds = root_ / "var/builds";
  fs::create_directories(builds);
  do { // the next number when another process namespace's process has our number and holds the lock
    path_ = builds / (std::string{digest} + "-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    lock_file_ = path_.string() + ".lock";
    lock_ = open_locked(lock_file_, true);
  } while (lock_ < 0 && errno == EWOULDBLOCK);
  if (lock_ < 0) throw BuildError("cannot make the lock file " + lock_file_.string() + ": " + std::strerror(errno));
  store::remove_tree(path_); // of an earlier process with our number
  if (::mkdir(path_.c_str(), 0700) != 0) {
    const std::string why = std::strerror(errno);
    ::close(lock_);
    throw BuildError("cannot make the build folder " + path_.string() + ": " + why);
  }
}

BuildFolder::~BuildFolder() {
  remove_quietly(path_);
  std::error_code error;
  fs::remove(lock_file_, error);
  ::close(lock_);
}

fs::path BuildFolder::keep(std::string_view name) {
  const fs::path failed = root_ / "var/failed";
  fs::create_directories(failed);
  for (unsigned number = 1;; ++number) {
    fs::path kept = failed / (std::string{name} + "-" + std::to_string(number));
    if (::mkdir(kept.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      throw BuildError("cannot keep the build folder as " + kept.string() + ": " + std::strerror(errno));
    }
    fs::rename(path_, kept); // over the empty folder just made
    return kept;
  }
}

void sweep_build_folders(const fs::path& store_root) {
  std::error_code error;
  for (fs::directory_iterator entry{store_root / "var/builds", error}, end; !error && entry != end;
       entry.increment(error)) {
    const fs::path lock_file = entry->path();
    if (lock_file.extension() != ".lock") continue;
    const int fd = open_locked(lock_file, false);
    if (fd < 0) continue;
    remove_quietly(fs::path{lock_file}.replace_extension());
    std::error_code ignored;
    fs::remove(lock_file, ignored);
    ::close(fd);
  }
}

} // namespace realise
