// What a crash of the machine leaves: played by processes that end without closing their store, and by giving their
// marks another boot's id.
#include <new>

#include "store/local/database.hpp"
#include "store/local/local_store.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace store;
namespace fs = std::filesystem;

namespace {

int64_t count(Database& db, const char* sql) {
  Statement statement{db, sql};
  return statement.step() ? statement.integer(0) : -1;
}

// Adds «a», and «b» that refers to it, and ends without closing the store.
void add_and_die(const fs::path& root) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    LocalStore store{root};
    const StorePath a = store.add_text("a", "contents of a").path;
    store.add_text("b", "b", {a});
    store.add_text("c", "c");
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(status == 0);
}

const StorePath kA = make_text_path("a", as_bytes("contents of a"), {}).value();
const StorePath kB = make_text_path("b", as_bytes("b"), {kA}).value();
const StorePath kC = make_text_path("c", as_bytes("c"), {}).value();

} // namespace

TEST_CASE("closing a store syncs what it added") {
  const TempFolder folder;
  add_and_die(folder / "root");
  Database db{folder / "root/var/db.sqlite", "", 1};
  CHECK(count(db, "SELECT count(*) FROM unsynced") == 3);
  {
    LocalStore{folder / "root"}.add_text("d", "d");
  }
  CHECK(count(db, "SELECT count(*) FROM unsynced") == 0);
}

TEST_CASE("after a crash of the machine, damaged paths are forgotten with what refers to them, whole ones kept") {
  const TempFolder folder;
  add_and_die(folder / "root");
  Database db{folder / "root/var/db.sqlite", "", 1};
  const fs::path a = folder / "root/store" / kA.base_name();
  REQUIRE(::chmod(a.c_str(), 0644) == 0);
  fs::resize_file(a, 0); // as file systems do that write metadata first
  {
    // The same boot: a process was killed, the kernel has everything. Nothing is looked at.
    LocalStore store{folder / "root"};
    CHECK(store.is_valid(kA));
  }
  db.execute("UPDATE unsynced SET boot = 'earlier'");
  LocalStore store{folder / "root"};
  CHECK_FALSE(store.is_valid(kA));
  CHECK_FALSE(store.is_valid(kB));
  CHECK(store.is_valid(kC));
  CHECK(store.verify(true).empty());
  CHECK(count(db, "SELECT count(*) FROM unsynced") == 0);
  CHECK(store.add_text("a", "contents of a").path == kA); // and can be added again
  CHECK(store.verify(true).empty());
}
