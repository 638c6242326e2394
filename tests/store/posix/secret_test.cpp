// Tokens: where they go, and where they do not stay.
#include "store/posix/child_process.hpp"
#include "store/posix/secret.hpp"
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>

namespace store {

namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

} // namespace

TEST_CASE("a secret is neither copied nor printed by accident") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Secret>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string_view>);
  STATIC_REQUIRE_FALSE(Streamable<Secret>);
}

TEST_CASE("moving leaves nothing of a secret behind, be it short or long") {
  for (const std::string& text : {std::string("short"), std::string(100, 'x')}) {
    Secret first{std::string(text)};
    Secret second(std::move(first));
    CHECK(first.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(second.reveal() == text);
    first = std::move(second);
    CHECK(first.reveal() == text);
    CHECK(second.empty()); // NOLINT(bugprone-use-after-move)
  }
}

TEST_CASE("wiping overwrites the text where it stood") {
  for (const size_t size : {5, 100}) {
    std::string text(size, 'x');
    text.reserve(size);
    const char* place = text.data();
    wipe(text);
    CHECK(text.empty());
    CHECK(std::string(place, 5) == std::string(5, '\0'));
  }
}

TEST_CASE("a message that repeats a secret is shown without it") {
  const Secret secret(std::string("sesame"));
  CHECK(secret.redacted("Bearer sesame, sesame") == "Bearer [secret], [secret]");
  CHECK(secret.redacted("open") == "open");
  CHECK(Secret().redacted("open") == "open");
}

TEST_CASE("a secret that was taken from the environment is no longer there, nor where it stood") {
  ::setenv("KPKG_TEST_TOKEN", "sesame", 1); // NOLINT(concurrency-mt-unsafe)
  const char* place = std::getenv("KPKG_TEST_TOKEN");
  CHECK(take_from_environment("KPKG_TEST_TOKEN").reveal() == "sesame");
  CHECK(std::getenv("KPKG_TEST_TOKEN") == nullptr);
  CHECK(std::string_view(place).empty());
  CHECK(take_from_environment("KPKG_TEST_TOKEN").empty());
}

TEST_CASE("a process that hid its memory is not dumpable, and the programs it starts are") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    hide_memory();
    const bool hidden = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    ChildProcess child({.program = "/bin/cat", .arguments = {"/proc/self/environ"}, .descriptors = {}});
    ::_exit(hidden && child.wait().exit_status == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

} // namespace store
