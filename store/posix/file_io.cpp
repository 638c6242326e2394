#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace store {

namespace fs = std::filesystem;

UniqueFd open_file(const fs::path& file, int flags, unsigned mode) {
  return UniqueFd{check_errno(::open(file.c_str(), flags | O_CLOEXEC, mode), // NOLINT(*-vararg): its declaration
                              (flags & O_CREAT) != 0 ? "create" : "open", file)};
}

namespace {

// As RESOLVE_BENEATH, but that no link is followed at all.
UniqueFd open_without_links(int folder, const std::string& relative) {
  UniqueFd at{::fcntl(folder, F_DUPFD_CLOEXEC, 0)};
  const fs::path path{relative};
  for (auto part = path.begin(); part != path.end() && at; ++part) {
    const bool last = std::next(part) == path.end();
    if (*part == ".." || part->is_absolute()) {
      errno = EXDEV;
      return {};
    }
    at = UniqueFd{::openat(at.get(), part->c_str(),
                           O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | // NOLINT(*-vararg)
                               (last ? O_RDONLY : O_PATH | O_DIRECTORY))};
  }
  return at;
}

} // namespace

UniqueFd open_beneath(const fs::path& folder, const std::string& relative) {
  const fs::path shown = folder / relative;
  const UniqueFd at = open_file(folder, O_PATH | O_DIRECTORY);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd{
      static_cast<int>(::syscall(SYS_openat2, at.get(), relative.c_str(), &how, sizeof how))}; // NOLINT(*-vararg)
  if (!fd && errno == ENOSYS) fd = open_without_links(at.get(), relative);
  if (!fd && (errno == EXDEV || errno == ELOOP))
    throw UserError(UserErrorCode::refused, shown.string() + " is a link that leaves " + folder.string());
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) throw_errno("open", shown);
  if (!S_ISREG(info.st_mode)) throw UserError(UserErrorCode::refused, shown.string() + " is not a plain file");
  return fd;
}

int try_write_all(int fd, Bytes data) noexcept {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written >= 0)
      data = data.subspan(static_cast<size_t>(written));
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

void write_all(int fd, Bytes data, const fs::path& shown) {
  if (const int error = try_write_all(fd, data)) throw_errno("write", shown, error);
}

size_t read_some(int fd, std::span<std::byte> buffer, const fs::path& shown) {
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) throw_errno("read", shown);
  }
}

std::string read_file(const fs::path& file, size_t limit_bytes) {
  return read_all(open_file(file, O_RDONLY).get(), file, limit_bytes);
}

std::string read_all(int fd, const fs::path& shown, size_t limit_bytes) {
  constexpr size_t kStepBytes = 64 << 10;
  struct stat info{};
  check_errno(::fstat(fd, &info), "look at", shown);
  std::string text;
  // One byte more than the file has, so that its end is seen without growing.
  size_t room = info.st_size > 0 ? static_cast<size_t>(info.st_size) + 1 : kStepBytes;
  size_t size = 0;
  while (true) {
    if (size == text.size()) {
      text.resize(size + std::min(room - 1, limit_bytes - size) + 1); // one above the limit tells that it is exceeded
      room = std::max(text.size(), kStepBytes);
    }
    const size_t got = read_some(fd, std::as_writable_bytes(std::span{text}).subspan(size), shown);
    size += got;
    if (size > limit_bytes)
      throw UserError("cannot read " + shown.string() + ": it is larger than " + std::to_string(limit_bytes) +
                      " bytes");
    if (got == 0) break;
  }
  text.resize(size);
  return text;
}

} // namespace store
