#include "store/posix/folder.hpp"
#include "store/posix/system_error.hpp"
#include <cerrno>
#include <sys/stat.h>

namespace store {

namespace fs = std::filesystem;

namespace {

bool is_folder(const fs::path& path) {
  std::error_code ignored; // of one that cannot be looked at: making it says why
  return fs::is_directory(path, ignored);
}

} // namespace

void make_folder(const fs::path& folder, unsigned mode) {
  if (is_folder(folder)) return;
  const fs::path parent = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  if (!parent.empty() && !is_folder(parent)) make_folder(parent, 0755);
  if (::mkdir(folder.c_str(), 0700) == 0) { // then wider: never wider than asked for in between
    check_errno(::chmod(folder.c_str(), mode), "set the permissions of", folder);
    return;
  }
  const int error = errno;
  if (error != EEXIST || !is_folder(folder)) throw_errno("create the folder", folder, error);
}

} // namespace store
