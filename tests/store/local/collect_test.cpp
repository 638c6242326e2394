// Garbage collection: what stays, what goes, and that it does not race with adding.
#include <new>

#include "store/local/local_store.hpp"
#include "store/local/process_token.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>

using namespace store;
namespace fs = std::filesystem;

namespace {

// Runs `work` in a process of its own; what it adds is a temporary root only as long as that lives.
template <class Work> int in_child(const Work& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    int status = 0;
    try {
      work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      status = 1;
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

struct Fixture {
  TempFolder folder;
  fs::path root = folder / "root";

  StorePath text(const std::string& name, const StorePathSet& references = {}) const {
    const StorePath path = make_text_path(name, as_bytes(name), references).value();
    CHECK(in_child([&] { LocalStore{root}.add_text(name, name, references); }) == 0);
    return path;
  }
};

} // namespace

TEST_CASE_METHOD(Fixture, "what no root reaches goes, what one reaches stays") {
  const StorePath library = text("library"), program = text("program", {library}), garbage = text("garbage", {library});
  LocalStore store{root};
  store.new_generation("me", program);
  CHECK(store.collect_garbage({.dry_run = true}).deleted == std::vector<StorePath>{garbage});
  CHECK(store.is_valid(garbage));
  const GcResult result = store.collect_garbage();
  CHECK(result.deleted == std::vector<StorePath>{garbage});
  CHECK(result.freed_bytes == 120);
  CHECK_FALSE(store.is_valid(garbage));
  CHECK_FALSE(fs::exists(store.physical(garbage)));
  CHECK(store.is_valid(program));
  CHECK(store.is_valid(library));
  CHECK(store.collect_garbage().deleted.empty());
}

TEST_CASE_METHOD(Fixture, "every generation keeps its path, also those one has left") {
  const StorePath a = text("a"), b = text("b");
  LocalStore store{root};
  store.new_generation("me", a);
  store.new_generation("me", b);
  CHECK(store.collect_garbage().deleted.empty());
  fs::remove(root / "var/profiles/me-1-link");
  CHECK(store.collect_garbage().deleted == std::vector<StorePath>{a});
}

TEST_CASE_METHOD(Fixture, "a result link keeps its path until someone removes it") {
  const StorePath a = text("a");
  LocalStore store{root};
  store.add_root_link(folder / "result", a);
  CHECK(fs::read_symlink(folder / "result") == store.physical(a));
  CHECK(store.roots() == std::vector<std::pair<std::string, StorePath>>{{(folder / "result").string(), a}});
  CHECK(store.collect_garbage().deleted.empty());
  store.add_root_link(folder / "result", a); // again: replaced
  fs::remove(folder / "result");
  CHECK(store.collect_garbage().deleted == std::vector<StorePath>{a});
  CHECK(fs::is_empty(root / "var/roots")); // the stale entry went too
}

TEST_CASE_METHOD(Fixture, "a result link that another path took over keeps the other") {
  const StorePath a = text("a"), b = text("b");
  LocalStore store{root};
  store.add_root_link(folder / "result", a);
  store.add_root_link(folder / "result", b);
  CHECK(store.collect_garbage().deleted == std::vector<StorePath>{a});
}

TEST_CASE_METHOD(Fixture, "a result link does not replace a file of the user's") {
  const StorePath a = text("a");
  LocalStore store{root};
  write_file(folder / "result", "precious");
  CHECK_THROWS_AS(store.add_root_link(folder / "result", a), UserError);
  CHECK(read_file(folder / "result") == "precious");
}

TEST_CASE_METHOD(Fixture, "a result link does not replace a link that leads elsewhere") {
  const StorePath a = text("a");
  LocalStore store{root};
  for (const fs::path& target :
       {fs::path("/etc/passwd"), fs::path("/nowhere"), root / "store", root / "var/db.sqlite"}) {
    fs::create_symlink(target, folder / "result");
    CHECK_THROWS_WITH(store.add_root_link(folder / "result", a), Catch::Contains("no link into this store"));
    CHECK(fs::read_symlink(folder / "result") == target);
    fs::remove(folder / "result");
  }
  fs::create_symlink(a.full(), folder / "result"); // ours, by its logical name
  store.add_root_link(folder / "result", a);
  CHECK(fs::read_symlink(folder / "result") == store.physical(a));
}

TEST_CASE_METHOD(Fixture, "what this process added stays as long as it lives") {
  LocalStore store{root};
  const StorePath a = store.add_text("a", "A").path;
  CHECK(store.collect_garbage().deleted.empty());
  CHECK(in_child([&] {
          if (!LocalStore{root}.collect_garbage().deleted.empty()) throw UserError("collected what its parent holds");
        }) == 0);
  CHECK(store.is_valid(a));
}

TEST_CASE_METHOD(Fixture, "a temporary root from before keeps what another process added, with all it refers to") {
  const StorePath library = text("library"), program = text("program", {library});
  LocalStore store{root};
  store.add_temp_root(program);
  CHECK(store.collect_garbage().deleted.empty());
}

TEST_CASE_METHOD(Fixture, "a path that refers to itself is garbage like any other") {
  CHECK(in_child([&] {
          LocalStore store{root};
          const StorePath drv = make_derivation(store, "self");
          write_file(folder / "out", output_of(store, drv).full());
          add_outputs(store, drv, {{"out", folder / "out"}});
        }) == 0);
  LocalStore store{root};
  const StorePath drv = make_derivation(store, "self"), self = output_of(store, drv);
  CHECK(store.query(self)->references == StorePathSet{self});
  CHECK(store.collect_garbage().deleted == std::vector<StorePath>{self}); // the derivation is this process's
}

TEST_CASE_METHOD(Fixture, "a limit stops early and leaves no path without its references") {
  StorePathSet previous;
  std::vector<StorePath> chain;
  for (int i = 0; i < 10; ++i) {
    chain.push_back(text("t" + std::to_string(i), previous));
    previous = {chain.back()};
  }
  LocalStore store{root};
  const GcResult result = store.collect_garbage({.max_freed_bytes = 300});
  CHECK(result.deleted == std::vector<StorePath>{chain[9], chain[8], chain[7]});
  CHECK(store.closure({chain[6]}).size() == 7);
}

TEST_CASE_METHOD(Fixture, "what crashes left behind is swept; what living processes build is not") {
  LocalStore store{root};
  const StorePath leftover = make_text_path("leftover", {}, {}).value(),
                  building = make_text_path("building", {}, {}).value(),
                  locked = make_text_path("locked", {}, {}).value();
  for (const StorePath& path : {leftover, building, locked}) fs::create_directory(store.physical(path));
  fs::create_directory(store.store_folder() / ".tmp-0000000000000000-1-1");
  fs::create_directory(store.store_folder() / (".tmp-" + process_token(root / "var/processes") + "-1-1"));
  store.add_temp_root(building);
  const LockFile lock = store.lock_path(locked);
  store.collect_garbage();
  CHECK_FALSE(fs::exists(store.physical(leftover)));
  CHECK(fs::exists(store.physical(building)));
  CHECK(fs::exists(store.physical(locked)));
  CHECK_FALSE(fs::exists(store.store_folder() / ".tmp-0000000000000000-1-1"));
  CHECK(fs::exists(store.store_folder() / (".tmp-" + process_token(root / "var/processes") + "-1-1")));
}

TEST_CASE_METHOD(Fixture,
                 "collectors and adders of several processes leave a store in which every reference is valid") {
  {
    LocalStore store{root};
  }
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        LocalStore store{root};
        for (int i = 0; i < 40; ++i) {
          // All adders make the same paths, so that they meet; the collector takes what a child that ended had made.
          const StorePath a = store.add_text("a" + std::to_string(i), "A").path;
          const StorePath b = store.add_text("b" + std::to_string(i), "B", {a}).path;
          if (!store.is_valid(a) || read_file(store.physical(b)) != "B") ::_exit(2);
        }
        ::_exit(0);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "adder: %s\n", error.what());
        ::_exit(1);
      }
    }
    children.push_back(pid);
  }
  LocalStore store{root};
  size_t running = children.size(), collected = 0;
  while (running > 0) {
    collected += store.collect_garbage().deleted.size();
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      CHECK(status == 0);
      --running;
    }
  }
  collected += store.collect_garbage().deleted.size();
  CHECK(collected >= 80);
  CHECK(store.query_all().empty());
  CHECK(fs::is_empty(store.store_folder()));
}

TEST_CASE_METHOD(Fixture, "a process that is killed in the middle of adding leaves the whole path or nothing") {
  fs::create_directory(folder / "tree");
  for (int i = 0; i < 60; ++i)
    write_file(folder / "tree" / ("file" + std::to_string(i)), std::string(20'000, static_cast<char>('a' + i % 26)));
  const auto [hash, size] = hash_path(folder / "tree");
  const StorePath path = make_source_path("tree", hash).value();
  {
    LocalStore store{root};
  }
  // How long an addition takes here and now; the kills are spread over a little more than that.
  const auto begin = std::chrono::steady_clock::now();
  CHECK(in_child([&] { (new LocalStore{folder / "other"})->add_source(folder / "tree", "tree"); }) ==
        0); // never closed
  const auto whole_time = std::chrono::steady_clock::now() - begin;
  int whole = 0, nothing = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        LocalStore{root}.add_source(folder / "tree", "tree");
      } catch (...) {
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(whole_time * round / 32);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    LocalStore store{root};
    if (store.is_valid(path)) {
      ++whole;
      CHECK(hash_path(store.physical(path)).first == hash);
    } else {
      ++nothing;
    }
    CHECK(store.verify(true).empty());
    store.collect_garbage();
    CHECK(fs::is_empty(store.store_folder()));
  }
  CHECK(nothing > 0); // else the kills came too late to mean anything
  WARN("killed in the middle: " << nothing << " times nothing, " << whole << " times the whole path");
}
