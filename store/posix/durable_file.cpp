#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <cstdio>
#include <fcntl.h>
#include <format>
#include <sys/random.h>

namespace store {

namespace fs = std::filesystem;

fs::path temporary_name(const fs::path& folder, std::string_view stem) {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) throw_errno("get random bytes for a name in", folder);
  return folder / std::format(".{}.tmp-{:016x}", stem, random);
}

UniqueFd make_unnamed_file() {
  const fs::path folder = fs::temp_directory_path();
  UniqueFd fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (fd) return fd;
  // Not every file system has files without a name.
  const fs::path file = temporary_name(folder, "kpkg");
  fd = open_file(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  ::unlink(file.c_str());
  return fd;
}

FileReplacement::FileReplacement(fs::path file, unsigned mode)
    : file_(std::move(file)), temporary_(temporary_name(file_.parent_path(), file_.filename().string())),
      fd_(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)) {
  if (!fd_) throw_errno("create", file_);
}

FileReplacement::~FileReplacement() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void FileReplacement::write(Bytes data) { write_all(fd_.get(), data, file_); }

void FileReplacement::commit() {
  sync_file(fd_.get(), file_);
  rename_durably(temporary_, file_);
  temporary_.clear();
  fd_.reset();
}

void replace_file(const fs::path& file, std::string_view contents, unsigned mode) {
  FileReplacement replacement{file, mode};
  replacement.write(as_bytes(contents));
  replacement.commit();
}

void replace_symlink(const fs::path& link, const std::string& target) {
  const fs::path fresh = temporary_name(link.parent_path(), link.filename().string());
  check_errno(::symlink(target.c_str(), fresh.c_str()), "create the symlink", fresh);
  if (::rename(fresh.c_str(), link.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    throw_errno("replace the symlink", link, error);
  }
}

bool replace_own_symlink(const fs::path& link, const std::string& target,
                         const std::function<bool(std::string_view target)>& is_ours) {
  if (::symlink(target.c_str(), link.c_str()) == 0) return true;
  if (errno != EEXIST) throw_errno("create the symlink", link);
  const auto own = [&](const fs::path& path) {
    std::error_code error;
    const fs::path found = fs::read_symlink(path, error);
    return !error && is_ours(found.string());
  };
  if (!own(link)) return false;
  const UniqueFd folder = open_file(link.has_parent_path() ? link.parent_path() : ".", O_PATH | O_DIRECTORY);
  const fs::path fresh = temporary_name("", link.filename().string());
  const fs::path shown = link.parent_path() / fresh;
  check_errno(::symlinkat(target.c_str(), folder.get(), fresh.c_str()), "create the symlink", shown);
  const auto rename = [&](unsigned flags) {
    return ::renameat2(folder.get(), fresh.c_str(), folder.get(), link.filename().c_str(), flags) == 0;
  };
  if (!rename(RENAME_EXCHANGE)) {
    if ((errno != EINVAL && errno != ENOSYS && errno != ENOENT) || !rename(0)) {
      const int error = errno;
      ::unlinkat(folder.get(), fresh.c_str(), 0);
      throw_errno("replace the symlink", link, error);
    }
    return true;
  }
  const bool was_ours = own(shown);
  if (!was_ours) check_errno(rename(RENAME_EXCHANGE) ? 0 : -1, "put back", link);
  ::unlinkat(folder.get(), fresh.c_str(), 0);
  return was_ours;
}

void sync_file(int fd, const fs::path& shown) { check_errno(::fsync(fd), "sync", shown); }

void sync_folder(const fs::path& folder) {
  const UniqueFd fd = open_file(folder.empty() ? fs::path{"."} : folder, O_RDONLY | O_DIRECTORY);
  sync_file(fd.get(), folder);
}

void rename_durably(const fs::path& from, const fs::path& to) {
  check_errno(::rename(from.c_str(), to.c_str()), "replace", to);
  sync_folder(to.parent_path());
}

} // namespace store
