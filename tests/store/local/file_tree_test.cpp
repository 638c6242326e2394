// Trees that somebody else has made: of any depth, and with files of holes.
#include "tests/store/local/temp_folder.hpp"

#include <catch2/catch.hpp>

#include "store/local/local_store.hpp"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace store;
namespace fs = std::filesystem;

namespace {

// At most `count` descriptors from here to the end of a scope.
class DescriptorLimit {
public:
  explicit DescriptorLimit(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{.rlim_cur = count, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

private:
  rlimit before_{};
};

// parent/name/d/d/…, `depth` folders of mode `mode` with a file in each.
void make_deep(const fs::path& parent, const char* name, size_t depth, mode_t mode) {
  UniqueFd at = open_file(parent, O_RDONLY | O_DIRECTORY);
  for (size_t i = 0; i < depth; ++i, name = "d") {
    REQUIRE(::mkdirat(at.get(), name, 0700) == 0);
    UniqueFd inner{::openat(at.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(inner);
    REQUIRE(UniqueFd{::openat(inner.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0400)});
    if (i > 0) REQUIRE(::fchmod(at.get(), mode) == 0);
    at = std::move(inner);
  }
}

uint64_t blocks_bytes(const fs::path& file) {
  struct stat info{};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

} // namespace

TEST_CASE("a tree of any depth is removed, with few descriptors, whatever its modes and names") {
  const TempFolder folder;
  make_deep(folder.path(), "deep", 20'000, 0500);
  make_deep(folder / "deep", "deep-0", 200, 0000); // names that removing itself would choose
  write_file(folder / "deep/deep-1", "a file of such a name");
  const DescriptorLimit few{128};
  remove_tree(folder / "deep");
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a file of holes takes no room in the store, and has its content") {
  const TempFolder folder;
  constexpr uint64_t kSize = uint64_t{64} << 20;
  write_file(folder / "sparse", "begin");
  fs::resize_file(folder / "sparse", kSize);
  LocalStore store{folder / "root"};
  const PathInfo info = store.add_source(folder / "sparse", "sparse");
  CHECK(blocks_bytes(store.physical(info.path)) < kSize / 64);
  CHECK(fs::file_size(store.physical(info.path)) == kSize);
  CHECK(store.verify(true).empty());
}
