// A disk that is full, in two ways: a limit on file sizes, and (as root, where mounting is allowed) a file system of
// two megabytes.
#include <new>

#include "store/local/local_store.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <catch2/catch.hpp>
#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>

using namespace store;
namespace fs = std::filesystem;

namespace {

bool has_leftovers(const LocalStore& store) {
  for (const fs::directory_entry& entry : fs::directory_iterator{store.store_folder()})
    if (entry.path().filename().string().starts_with(".tmp")) return true;
  return false;
}

} // namespace

TEST_CASE("a file that may not grow ends the addition with its reason, and leaves nothing") {
  const TempFolder folder;
  LocalStore store{folder / "root"};
  write_file(folder / "big", std::string(8u << 20, 'b'));
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{.rlim_cur = 4u << 20, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    store.add_source(folder / "big", "big");
  } catch (const UserError& error) {
    message = error.what();
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(message.contains("File too large"));
  CHECK_FALSE(has_leftovers(store));
  CHECK(store.query_all().empty());
  // And when there is room again, it works.
  CHECK(store.is_valid(store.add_source(folder / "big", "big").path));
}

TEST_CASE("a full file system ends the addition with a hint, and leaves the store usable") {
  const TempFolder folder;
  fs::create_directory(folder / "small");
  if (::mount("tmpfs", (folder / "small").c_str(), "tmpfs", 0, "size=2m") != 0) {
    WARN("may not mount: not tried on a full file system");
    return;
  }
  {
    LocalStore store{folder / "small/root"};
    const StorePath before = store.add_text("before", "x").path;
    write_file(folder / "big", std::string(8u << 20, 'b'));
    try {
      store.add_source(folder / "big", "big");
      FAIL_CHECK("added");
    } catch (const UserError& error) {
      CHECK(std::string{error.what()}.contains("No space left on device"));
      CHECK(error.hint().contains("kpkg store gc"));
    }
    CHECK_FALSE(has_leftovers(store));
    CHECK(store.query_all() == std::vector<StorePath>{before});
    CHECK(store.verify(true).empty());
    CHECK(store.is_valid(store.add_text("after", "y").path));
  }
  CHECK(::umount2((folder / "small").c_str(), MNT_DETACH) == 0);
}
