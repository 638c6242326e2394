// File trees on disk: reading them as NAR events, writing them from NAR events, removing them.
// Everything goes through directory descriptors and never follows a symlink, so that a tree that changes underneath
// cannot lead outside.
#pragma once
#include "store/format/nar.hpp"
#include "store/posix/unique_fd.hpp"
#include <array>
#include <filesystem>
#include <functional>

namespace store {

// Serialises the file tree at `path` (a file, folder or symlink) as a NAR into a visitor or sink. `filter` (optional)
// is asked for every path below the root with its file type; false leaves it out.
using PathFilter = std::function<bool(const std::filesystem::path& path, std::filesystem::file_type type)>;
enum class Unreadable : uint8_t {
  error,
  made_readable, // by a change of mode, in a tree that is ours and was somebody else's
};
void dump_path(const std::filesystem::path& path, NarVisitor& visitor, const PathFilter& filter = {},
               Unreadable unreadable = Unreadable::error);
[[nodiscard]] std::pair<Hash, uint64_t> hash_path(const std::filesystem::path& path, const PathFilter& filter = {});

// Writes a tree canonically (modes 0444 and 0555, mtime 1) as `name` in the folder `parent`, which must not have it.
class TreeWriter final : public NarVisitor {
public:
  TreeWriter(int parent_fd, std::filesystem::path parent, std::string name);
  Result<void> file_begin(std::string_view name, bool executable, uint64_t size_bytes) override;
  Result<void> file_data(Bytes data) override;
  Result<void> file_end() override;
  Result<void> symlink(std::string_view name, std::string_view target) override;
  Result<void> directory_begin(std::string_view name) override;
  Result<void> directory_end() override;

private:
  struct Node {
    std::string name; // an owned C string for the system calls
    int parent_fd;
  };
  [[nodiscard]] Node node(std::string_view name) const;
  [[nodiscard]] std::filesystem::path shown(std::string_view name) const;
  [[nodiscard]] std::unexpected<Error> system_error(std::string_view what, std::string_view name) const;
  int parent_fd_;
  std::filesystem::path parent_;
  std::string root_name_;
  std::vector<std::pair<UniqueFd, std::string>> directories_; // open ones
  UniqueFd file_;
  std::string file_name_;
  bool ends_in_hole_ = false;          // the file's last bytes are zeroes that were not written
  std::array<bool, 2> umask_allows_{}; // seen that open(2) gives a plain [0] or executable [1] file its mode
};

// Bytes that the tree takes on its disk, as far as it can be read and lies at most 128 folders deep. It may change
// meanwhile. Never throws.
[[nodiscard]] uint64_t disk_usage(const std::filesystem::path& path) noexcept;

// Whatever it is; also folders without write permission, and of any depth. Nothing there is no error.
void remove_tree(const std::filesystem::path& path);

} // namespace store
