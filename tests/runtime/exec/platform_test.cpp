// The Linux port layer: reservations, code memory, and faults that are not the engine's.
#include "runtime/platform/platform.hpp"

#include "tests/runtime/exec/guest.hpp"
#include <csignal>
#include <cstring>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace runtime;
using namespace runtime::testing;

namespace {

// Runs `body` in a child process; its wait status.
template <class Body> int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO); // a sanitizer's report is expected there
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

void read_through_null() {
  volatile const char* nowhere = nullptr;
  static_cast<void>(*nowhere);
}

} // namespace

TEST_CASE("committed memory is zero and writable, again after it was given back") {
  const size_t page = platform::page_size_bytes();
  std::byte* base = platform::reserve(16 * page).value();
  REQUIRE(platform::commit(base + 4 * page, 2 * page).has_value());
  for (size_t i = 4 * page; i < 6 * page; ++i) REQUIRE(base[i] == std::byte{0});
  base[5 * page] = std::byte{1};
  platform::decommit(base + 4 * page, 2 * page);
  REQUIRE(platform::commit(base + 4 * page, 2 * page).has_value());
  CHECK(base[5 * page] == std::byte{0});
  platform::release(base, 16 * page);
}

TEST_CASE("more address space than there is is refused with a reason") {
  const auto refused = platform::reserve(size_t{1} << 60);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::resource);
  CHECK(refused.error().message.find("1152921504606846976 bytes failed") != std::string::npos);
}

TEST_CASE("no page of the process is ever writable and executable") {
  Guest guest;
  guest.add(R"((module (func (export "f") (result i32) (i32.const 1))))");
  CHECK(guest.result("f") == 1);
  platform::CodeMapping open = platform::map_code(platform::page_size_bytes()).value();
  std::memset(open.writable, 0xc3, open.size_bytes); // ret
  CHECK(open.executable[0] == std::byte{0xc3});
  std::ifstream maps("/proc/self/maps");
  size_t lines = 0;
  for (std::string line; std::getline(maps, line); ++lines) {
    const std::string permissions = line.substr(line.find(' ') + 1, 4);
    INFO(line);
    CHECK_FALSE((permissions[1] == 'w' && permissions[2] == 'x'));
  }
  CHECK(lines > 10);
  platform::seal_code(open);
  CHECK(open.writable == nullptr);
  platform::unmap_code(open);
}

TEST_CASE("a fault outside of guest code goes to the handler that was there before the engine") {
  const int status = in_child([] {
    // The engine's handler is installed in this process already: what was there before it gets the fault, and that
    // is the default action or a sanitizer's report. Neither ends with status 0.
    Guest guest;
    guest.add(R"((module (func (export "f") unreachable)))");
    static_cast<void>(guest.call("f"));
    read_through_null();
  });
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a fault in a host function that a guest called is the host's") {
  const int status = in_child([] {
    Guest guest;
    guest.host("env", "crash", {{}, {}}, [](HostCall&) -> Result<void> {
      read_through_null();
      return {};
    });
    guest.add(R"((module (import "env" "crash" (func $crash)) (func (export "f") (call $crash))))");
    static_cast<void>(guest.call("f"));
  });
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a signal that was sent, not caused, ends the process as it would without the engine") {
  const int status = in_child([] {
    Engine engine;
    kill(getpid(), SIGSEGV);
    sleep(5);
  });
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("the guest's stack ends above the thread's, with room for the host") {
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  CHECK(platform::guest_stack_limit() < here);
  uintptr_t limit = 0, there = 0;
  std::thread([&] {
    limit = platform::guest_stack_limit();
    there = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  }).join();
  CHECK(limit < there);
  CHECK(there - limit < (size_t{1} << 30));
}

TEST_CASE("clocks go forward and random bytes differ") {
  const uint64_t before = platform::monotonic_ns();
  platform::idle_until(before + 2'000'000);
  CHECK(platform::monotonic_ns() >= before + 2'000'000);
  CHECK(platform::realtime_ns() > 1'600'000'000'000'000'000);
  std::byte a[32] = {}, b[32] = {};
  platform::random_bytes(a);
  platform::random_bytes(b);
  CHECK(std::memcmp(a, b, sizeof a) != 0);
}
