// The lock file stands beside its folder and is locked before the folder is made: a folder without a locked file is
// always an orphan.
#include "derivations/realise/build_folder.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/folder.hpp"
#include "store/posix/system_error.hpp"
#include <atomic>
#include <cerrno>
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

} // namespace

BuildFolder::BuildFolder(const fs::path& store_root, std::string_view digest) : root_(store_root) {
  static std::atomic<unsigned> count{0};
  const fs::path builds = root_ / "var/builds";
  store::make_folder(builds, 0700); // what builders leave is for the user's eyes only
  do { // the next number when another process namespace's process has our number and holds the lock
    path_ = builds / (std::string{digest} + "-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    if (auto lock = store::LockFile::try_lock(path_.string() + ".lock", store::LockFile::Missing::create))
      lock_.emplace(std::move(*lock));
  } while (!lock_);
  store::remove_tree(path_); // of an earlier process with our number
  store::check_errno(::mkdir(path_.c_str(), 0700), "make the build folder", path_);
  take_identity();
}

void BuildFolder::take_identity() {
  for (unsigned slot = 0; !identity_lock_; ++slot) {
    identity_ = identity_for_slot(slot);
    if (identity_.uid == ::geteuid()) return; // a plain user's builds have no other
    if (auto lock = store::LockFile::try_lock(root_ / "var/locks" / ("build-user-" + std::to_string(slot)),
                                              store::LockFile::Missing::create))
      identity_lock_.emplace(std::move(*lock));
  }
  store::check_errno(::chown(path_.c_str(), identity_.uid, identity_.gid), "give away", path_);
}

BuildFolder::~BuildFolder() { remove_quietly(path_); } // then the lock file goes

fs::path BuildFolder::keep(std::string_view name) {
  const fs::path failed = root_ / "var/failed";
  store::make_folder(failed, 0700);
  for (unsigned number = 1;; ++number) {
    fs::path kept = failed / (std::string{name} + "-" + std::to_string(number));
    if (::mkdir(kept.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      store::throw_errno("keep the build folder as", kept);
    }
    const fs::path root = path_ / "root";
    fs::permissions(root, fs::perms::owner_all);
    fs::rename(root, kept); // over the empty folder just made
    return kept;
  }
}

void sweep_build_folders(const fs::path& store_root) {
  std::error_code error;
  for (fs::directory_iterator entry{store_root / "var/builds", error}, end; !error && entry != end;
       entry.increment(error)) {
    const fs::path lock_file = entry->path();
    if (lock_file.extension() != ".lock") continue;
    try {
      if (const auto lock = store::LockFile::try_lock(lock_file, store::LockFile::Missing::give_up))
        remove_quietly(fs::path{lock_file}.replace_extension());
    } catch (const store::UserError&) { // nor is one that cannot be locked
    }
  }
}

} // namespace realise
