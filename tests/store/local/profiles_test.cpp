// Profiles and their generations.
#include <new>

#include "store/local/local_store.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <catch2/catch.hpp>

using namespace store;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TempFolder folder;
  LocalStore store{folder / "root"};
  StorePath a = store.add_text("a", "A").path, b = store.add_text("b", "B").path;
};

} // namespace

TEST_CASE_METHOD(Fixture, "a profile begins with generation 1 and counts on") {
  CHECK(store.generations("me").empty());
  CHECK_FALSE(store.current("me"));
  CHECK(store.new_generation("me", a) == 1);
  CHECK(store.new_generation("me", b) == 2);
  const std::vector<ProfileGeneration> generations = store.generations("me");
  REQUIRE(generations.size() == 2);
  CHECK(generations[0].path == a);
  CHECK_FALSE(generations[0].current);
  CHECK(generations[1].path == b);
  CHECK(generations[1].current);
  CHECK(generations[1].created_unix_s > 1'000'000'000);
  CHECK(store.current("me") == b);
  CHECK(fs::read_symlink(folder / "root/var/profiles/me") == "me-2-link");
  CHECK(fs::read_symlink(folder / "root/var/profiles/me-2-link") == b.full());
}

TEST_CASE_METHOD(Fixture, "going back and on again switches without new generations") {
  store.new_generation("me", a);
  store.new_generation("me", b);
  store.switch_generation("me", 1);
  CHECK(store.current("me") == a);
  CHECK(store.new_generation("me", b) == 2); // the newest has it already
  CHECK(store.current("me") == b);
  store.switch_generation("me", 1);
  CHECK(store.new_generation("me", a) == 3); // numbers go on from the newest, wherever one is
}

TEST_CASE_METHOD(Fixture, "a generation that is not there is refused with those that are") {
  store.new_generation("me", a);
  try {
    store.switch_generation("me", 7);
    FAIL("switched");
  } catch (const UserError& error) {
    CHECK(std::string{error.what()} == "the profile \"me\" has no generation 7");
    CHECK(error.hint() == "it has 1");
  }
}

TEST_CASE_METHOD(Fixture, "profiles with names that are beginnings of each other do not mix") {
  store.new_generation("me", a);
  store.new_generation("me-2", b);
  CHECK(store.generations("me").size() == 1);
  CHECK(store.generations("me-2").size() == 1);
  CHECK(store.new_generation("me", b) == 2);
}

TEST_CASE_METHOD(Fixture, "names that would lead elsewhere are no profiles, and invalid paths no generations") {
  for (const std::string name : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "x-1-link"})
    CHECK_THROWS_AS(store.new_generation(name, a), UserError);
  CHECK_THROWS_AS(store.new_generation("me", make_text_path("x", {}, {}).value()), UserError);
  CHECK(store.generations("me").empty());
}
