// File trees on disk. Those that are read or written are at most kNarMaxDepth deep, so that recursion and one
// descriptor a level are bounded; those that are removed may be of any depth.
#include "store/local/file_tree.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 256u << 10;
constexpr timespec kCanonicalTimes[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
constexpr mode_t kFileMode = 0444;
constexpr mode_t kExecutableMode = 0555;
constexpr mode_t kFolderMode = 0555;

struct DirEntry {
  std::string name;
  unsigned char type; // DT_…
};

// Sorted bytewise, without "." and "..".
std::vector<DirEntry> read_folder(UniqueFd fd, const fs::path& path) {
  DIR* dir = ::fdopendir(fd.get());
  if (dir == nullptr) throw_errno("read the folder", path);
  (void)fd.release();
  const std::unique_ptr<DIR, int (*)(DIR*)> owner{dir, ::closedir};
  std::vector<DirEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string{name}, entry->d_type});
    errno = 0;
  }
  if (errno != 0) throw_errno("read the folder", path);
  std::ranges::sort(entries, {}, &DirEntry::name);
  return entries;
}

std::string read_link(int parent_fd, const char* name, const fs::path& shown) {
  std::string target(kNarMaxSymlinkTargetLength + 1, '\0');
  const ssize_t length =
      check_errno(::readlinkat(parent_fd, name, target.data(), target.size()), "read the symlink", shown);
  target.resize(static_cast<size_t>(length));
  return target;
}

unsigned char type_of(int parent_fd, const char* name, const fs::path& shown) {
  struct stat info{};
  check_errno(::fstatat(parent_fd, name, &info, AT_SYMLINK_NOFOLLOW), "look at", shown);
  return IFTODT(info.st_mode);
}

fs::file_type to_file_type(unsigned char type) {
  switch (type) {
  case DT_REG: return fs::file_type::regular;
  case DT_DIR: return fs::file_type::directory;
  case DT_LNK: return fs::file_type::symlink;
  default: return fs::file_type::unknown;
  }
}

// Zeroes worth leaving out: a file of little but holes takes as little room in the store as it did where it came from.
bool is_hole(Bytes data) {
  constexpr size_t kWorth = 4096;
  return data.size() >= kWorth && data[0] == std::byte{0} &&
         std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0;
}

[[noreturn]] void refuse_type(const fs::path& path) {
  throw UserError(path.string() + " is neither a file, a folder nor a symlink, and cannot be in a store");
}

class Dumper {
public:
  Dumper(NarVisitor& visitor, const PathFilter& filter, Unreadable unreadable)
      : visitor_(visitor), filter_(filter), unreadable_(unreadable) {}

  void node(int parent_fd, const char* at, std::string_view name, unsigned char type, size_t depth) {
    if (depth >= kNarMaxDepth)
      throw UserError(path_.string() + " is nested more than " + std::to_string(kNarMaxDepth) + " deep");
    if (type == DT_UNKNOWN) type = type_of(parent_fd, at, path_);
    switch (type) {
    case DT_REG: return file(parent_fd, at, name);
    case DT_LNK: return pass(visitor_.symlink(name, read_link(parent_fd, at, path_)));
    case DT_DIR: return folder(parent_fd, at, name, depth);
    default: refuse_type(path_);
    }
  }

  fs::path path_; // of the node being read, for messages and the filter

private:
  void pass(Result<void> result) const {
    if (!result) throw UserError(result.error().describe(path_.string()));
  }

  UniqueFd open(int parent_fd, const char* at, int flags) {
    const auto attempt = [&] { return UniqueFd{::openat(parent_fd, at, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags)}; };
    UniqueFd fd = attempt();
    if (!fd && errno == EACCES && unreadable_ == Unreadable::made_readable) {
      struct stat info{};
      check_errno(::fstatat(parent_fd, at, &info, AT_SYMLINK_NOFOLLOW), "look at", path_);
      check_errno(::fchmodat(parent_fd, at, (info.st_mode & 0777) | S_IRUSR | (S_ISDIR(info.st_mode) ? S_IXUSR : 0), 0),
                  "make readable", path_);
      fd = attempt();
    }
    if (!fd) throw_errno("open", path_);
    return fd;
  }

  void file(int parent_fd, const char* at, std::string_view name) {
    const UniqueFd fd = open(parent_fd, at, O_NONBLOCK);
    struct stat info{};
    check_errno(::fstat(fd.get(), &info), "look at", path_);
    if (!S_ISREG(info.st_mode)) refuse_type(path_);
    auto left = static_cast<uint64_t>(info.st_size);
    pass(visitor_.file_begin(name, (info.st_mode & S_IXUSR) != 0, left));
    while (left > 0) {
      const size_t wanted = static_cast<size_t>(std::min<uint64_t>(left, kReadBytes));
      const size_t count = read_some(fd.get(), {buffer_.get(), wanted}, path_);
      if (count == 0) throw UserError(path_.string() + " became shorter while it was read");
      left -= count;
      pass(visitor_.file_data({buffer_.get(), count}));
    }
    pass(visitor_.file_end());
  }

  void folder(int parent_fd, const char* at, std::string_view name, size_t depth) {
    const UniqueFd fd = open(parent_fd, at, O_DIRECTORY);
    if (unreadable_ == Unreadable::made_readable) (void)::fchmod(fd.get(), 0700); // else what is in it cannot be opened
    UniqueFd listing{check_errno(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0), "open the folder", path_)};
    pass(visitor_.directory_begin(name));
    for (const DirEntry& entry : read_folder(std::move(listing), path_)) {
      path_ /= entry.name;
      bool wanted = true;
      unsigned char type = entry.type;
      if (filter_) {
        if (type == DT_UNKNOWN) type = type_of(fd.get(), entry.name.c_str(), path_);
        wanted = filter_(path_, to_file_type(type));
      }
      if (wanted) node(fd.get(), entry.name.c_str(), entry.name, type, depth + 1);
      path_ = path_.parent_path();
    }
    pass(visitor_.directory_end());
  }

  NarVisitor& visitor_;
  const PathFilter& filter_;
  const Unreadable unreadable_;
  std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
};

// Removes trees of any depth with a bounded number of descriptors and frames: a folder that lies kDepth below the
// tree's own is moved up into that one and removed in a later round.
class Remover {
public:
  void tree(const fs::path& path) {
    path_ = path;
    if (unlinked(AT_FDCWD, path.c_str())) return;
    top_ = open_folder(AT_FDCWD, path.c_str());
    do {
      moved_ = false;
      contents(top_.get(), 0);
    } while (moved_);
    remove_folder(AT_FDCWD, path.c_str());
  }

private:
  static constexpr size_t kDepth = 64;

  // False where it is a folder. What is not there is no error.
  bool unlinked(int parent_fd, const char* name) {
    if (::unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) throw_errno("remove", path_);
    return false;
  }

  UniqueFd open_folder(int parent_fd, const char* name) {
    UniqueFd fd{::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd && errno == EACCES) {
      check_errno(::fchmodat(parent_fd, name, 0700, 0), "remove", path_);
      fd = UniqueFd{::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    }
    if (!fd) throw_errno("remove", path_);
    (void)::fchmod(fd.get(), 0700); // else nothing can be unlinked in it; when this fails, that will say so
    return fd;
  }

  void remove_folder(int parent_fd, const char* name) {
    if (::unlinkat(parent_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) throw_errno("remove", path_);
  }

  void contents(int fd, size_t depth) {
    UniqueFd listing{check_errno(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "remove", path_)};
    check_errno(::lseek(listing.get(), 0, SEEK_SET), "remove", path_); // the position is shared with earlier rounds
    for (const DirEntry& entry : read_folder(std::move(listing), path_)) {
      path_ /= entry.name;
      if (!unlinked(fd, entry.name.c_str())) folder(fd, entry.name.c_str(), depth + 1);
      path_ = path_.parent_path();
    }
  }

  void folder(int parent_fd, const char* name, size_t depth) {
    const UniqueFd fd = open_folder(parent_fd, name);
    if (depth >= kDepth) return move_up(parent_fd, name);
    contents(fd.get(), depth);
    remove_folder(parent_fd, name);
  }

  void move_up(int parent_fd, const char* name) {
    while (::renameat(parent_fd, name, top_.get(), ("deep-" + std::to_string(number_++)).c_str()) != 0)
      if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) throw_errno("remove", path_); // else a name taken
    moved_ = true;
  }

  fs::path path_; // of the node at hand, for messages
  UniqueFd top_;
  bool moved_ = false;
  uint64_t number_ = 0;
};

constexpr size_t kMaxMeasuredDepth = 128;

uint64_t usage_at(int parent_fd, const char* name, size_t depth) {
  struct stat info{};
  if (::fstatat(parent_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  uint64_t bytes = static_cast<uint64_t>(info.st_blocks) * 512; // the unit of stat(2)
  if (!S_ISDIR(info.st_mode) || depth == kMaxMeasuredDepth) return bytes;
  const int fd = ::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* dir = fd < 0 ? nullptr : ::fdopendir(fd);
  if (dir == nullptr) {
    const UniqueFd unused{fd};
    return bytes;
  }
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view entry_name = entry->d_name;
    if (entry_name != "." && entry_name != "..") bytes += usage_at(fd, entry->d_name, depth + 1);
  }
  ::closedir(dir);
  return bytes;
}

} // namespace

uint64_t disk_usage(const fs::path& path) noexcept { return usage_at(AT_FDCWD, path.c_str(), 0); }

void dump_path(const fs::path& path, NarVisitor& visitor, const PathFilter& filter, Unreadable unreadable) {
  Dumper dumper{visitor, filter, unreadable};
  dumper.path_ = path;
  dumper.node(AT_FDCWD, path.c_str(), {}, DT_UNKNOWN, 0);
}

std::pair<Hash, uint64_t> hash_path(const fs::path& path, const PathFilter& filter) {
  Hasher hasher;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    hasher.update(bytes);
    return {};
  }};
  dump_path(path, writer, filter);
  unwrap(writer.finish(), path.string());
  const uint64_t size_bytes = hasher.size_bytes();
  return {hasher.finish(), size_bytes};
}

TreeWriter::TreeWriter(int parent_fd, fs::path parent, std::string name)
    : parent_fd_(parent_fd), parent_(std::move(parent)), root_name_(std::move(name)) {}

TreeWriter::Node TreeWriter::node(std::string_view name) const {
  if (directories_.empty()) return {root_name_, parent_fd_};
  return {std::string{name}, directories_.back().first.get()};
}

fs::path TreeWriter::shown(std::string_view name) const {
  fs::path path = parent_ / root_name_;
  for (size_t i = 1; i < directories_.size(); ++i) path /= directories_[i].second;
  return directories_.empty() ? path : path / name;
}

std::unexpected<Error> TreeWriter::system_error(std::string_view what, std::string_view name) const {
  const int error = errno;
  return std::unexpected(
      Error{ErrorCode::sink, "cannot " + std::string{what} + " " + shown(name).string() + ": " + std::strerror(error)});
}

Result<void> TreeWriter::file_begin(std::string_view name, bool executable, uint64_t) {
  const Node at = node(name);
  file_name_ = name;
  const mode_t mode = executable ? kExecutableMode : kFileMode;
  file_ = UniqueFd{::openat(at.parent_fd, at.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!file_) return system_error("create", name);
  if (!umask_allows_[executable]) {
    struct stat info{};
    if (::fstat(file_.get(), &info) != 0) return system_error("look at", name);
    umask_allows_[executable] = (info.st_mode & 07777) == mode;
    if (!umask_allows_[executable] && ::fchmod(file_.get(), mode) != 0) return system_error("set the mode of", name);
  }
  return {};
}

Result<void> TreeWriter::file_data(Bytes data) {
  if (is_hole(data)) {
    if (::lseek(file_.get(), static_cast<off_t>(data.size()), SEEK_CUR) < 0) return system_error("write", file_name_);
    ends_in_hole_ = true;
    return {};
  }
  ends_in_hole_ = false;
  if (const int error = try_write_all(file_.get(), data)) {
    errno = error;
    return system_error("write", file_name_);
  }
  return {};
}

Result<void> TreeWriter::file_end() {
  if (std::exchange(ends_in_hole_, false) && ::ftruncate(file_.get(), ::lseek(file_.get(), 0, SEEK_CUR)) != 0)
    return system_error("write", file_name_);
  if (::futimens(file_.get(), kCanonicalTimes) != 0) return system_error("set the time of", file_name_);
  // Closing can bring a write error to light on network file systems.
  if (::close(file_.release()) != 0) return system_error("write", file_name_);
  return {};
}

Result<void> TreeWriter::symlink(std::string_view name, std::string_view target) {
  const Node at = node(name);
  const std::string text{target};
  if (::symlinkat(text.c_str(), at.parent_fd, at.name.c_str()) != 0) return system_error("create the symlink", name);
  if (::utimensat(at.parent_fd, at.name.c_str(), kCanonicalTimes, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error("set the time of", name);
  return {};
}

Result<void> TreeWriter::directory_begin(std::string_view name) {
  const Node at = node(name);
  if (::mkdirat(at.parent_fd, at.name.c_str(), 0700) != 0) return system_error("create the folder", name);
  UniqueFd fd{::openat(at.parent_fd, at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return system_error("open the folder", name);
  directories_.emplace_back(std::move(fd), at.name);
  return {};
}

Result<void> TreeWriter::directory_end() {
  const int fd = directories_.back().first.get();
  if (::fchmod(fd, kFolderMode) != 0 || ::futimens(fd, kCanonicalTimes) != 0)
    return system_error("finish the folder", {});
  directories_.pop_back();
  return {};
}

void remove_tree(const fs::path& path) { Remover{}.tree(path); }

} // namespace store
