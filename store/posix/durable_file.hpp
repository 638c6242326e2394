// Replacing what stands under a name so that whoever looks, also after a crash of the machine, sees the old content or
// the new one, whole: written beside it under a temporary name, synced, renamed, the folder synced.
#pragma once
#include "store/base/error.hpp"
#include "store/posix/unique_fd.hpp"
#include <filesystem>
#include <functional>
#include <string>

namespace store {

// A name in `folder` that nothing has: «.STEM.tmp-RANDOM». Not created: use it with O_EXCL, mkdir or symlink.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& folder, std::string_view stem);

// A file without a name in the folder for temporary files: gone when closed.
[[nodiscard]] UniqueFd make_unnamed_file();

// A file in the making: written in order, then commit(); without it nothing is left.
class FileReplacement {
public:
  // Will be `file` (replaced where it exists), with permissions `mode` less the umask.
  explicit FileReplacement(std::filesystem::path file, unsigned mode = 0644);
  ~FileReplacement();
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;
  [[nodiscard]] int fd() const { return fd_.get(); }
  void write(Bytes data);
  void commit();

private:
  std::filesystem::path file_, temporary_;
  UniqueFd fd_;
};

// The whole of it in one call.
void replace_file(const std::filesystem::path& file, std::string_view contents, unsigned mode = 0644);
// Makes or replaces the symlink; the folder is not synced.
void replace_symlink(const std::filesystem::path& link, const std::string& target);
// The same, but replaces only a symlink whose target `is_ours` accepts; false, with everything as it was, where
// something else stands there, also where it came between the look and the replacing. (On a file system that cannot
// exchange two names, what comes in that instant is lost.)
[[nodiscard]] bool replace_own_symlink(const std::filesystem::path& link, const std::string& target,
                                       const std::function<bool(std::string_view target)>& is_ours);

// The file's bytes, or the folder's names, are on the disk when this returns.
void sync_file(int fd, const std::filesystem::path& shown);
void sync_folder(const std::filesystem::path& folder);
// Renames a synced file and syncs the target's folder.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace store
