// Systems run in-process, on the host's platform layer: what the kernel does with a boot image, line by line.
#include <new>

#include "kernel/system/exit_status.hpp"
#include "kernel/system/system.hpp"
#include "tests/kernel/scenarios.hpp"
#include <catch2/catch.hpp>
#include <cstdlib>

using namespace kernel;

namespace {

std::filesystem::path systems() {
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  return std::filesystem::path(source ? source : ".") / "tests/kernel/systems";
}

struct Run {
  SystemResult result;
  std::string console;
  [[nodiscard]] bool shows(std::string_view text) const { return console.find(text) != std::string::npos; }
};

Run run(const SystemRequest& request) {
  Run outcome;
  const SystemHost host{
      .write = [&](std::string_view text) { outcome.console += text; },
      .now_us = [] { return uint64_t{0}; },
      .on_guest_stack = [](const std::function<void()>& function) { function(); },
  };
  outcome.result = run_system(request, host);
  return outcome;
}

Run run(std::string_view scenario) {
  const auto image = scenarios::build(scenarios::named(scenario), systems());
  Run outcome = run({image.generation, {image.key}, image.bytes});
  CAPTURE(outcome.console);
  CHECK(outcome.result.end == SystemEnd::ran);
  return outcome;
}

scenarios::Image hello() { return scenarios::build(scenarios::named("hello"), systems()); }

} // namespace

TEST_CASE("a guest's output stands behind its name, and its status is the system's") {
  const Run outcome = run("hello");
  CHECK(outcome.shows("\n[hello] hello\n"));
  CHECK(outcome.shows("\nexit: hello: status 0"));
  CHECK(outcome.shows("\nsystem: exit status 0\n"));
  CHECK(outcome.result.status == 0);
}

TEST_CASE("a consumer calls the exports of its provider") {
  const Run outcome = run("linked");
  CHECK(outcome.shows("[consumer] the sum is 42\n"));
  CHECK(outcome.shows("link: consumer: math from adder\n"));
  CHECK(outcome.result.status == 0);
}

TEST_CASE("a guest gets its arguments from the manifest") {
  CHECK(run("argument").shows("[echo] given in the manifest\n"));
}

TEST_CASE("a guest without a grant for its output is refused it, and told so") {
  const Run outcome = run("not-granted");
  CHECK_FALSE(outcome.shows("hello\n[mute]"));
  CHECK_FALSE(outcome.shows("[mute]"));
  CHECK(outcome.result.status == 8); // errno BADF
}

TEST_CASE("a trap shows its backtrace with names, and the other instances go on") {
  const Run outcome = run("trap");
  CHECK(outcome.shows("trap: instance \"crash\" ends: out of bounds memory access"));
  CHECK(outcome.shows("trap:   #0 crash!store_far at byte 0x"));
  CHECK(outcome.shows("trap:   #1 crash!middle at byte 0x"));
  CHECK(outcome.shows("trap:   #2 crash!begin at byte 0x"));
  CHECK(outcome.shows("[consumer] the sum is 42\n"));
  CHECK(outcome.result.status == 0); // nobody waits for crash
}

TEST_CASE("the trap of an awaited instance is the system's status") {
  const Run outcome = run("trap-awaited");
  CHECK(outcome.shows("[hello] hello\n"));
  CHECK(outcome.result.status == kStatusTrapped);
}

TEST_CASE("a trap inside of a provider ends it, too, and later users of it are not started") {
  const Run outcome = run("trap-in-provider");
  CHECK(outcome.shows("trap: instance \"divider\" ends: integer divide by zero"));
  CHECK(outcome.shows("trap:   #0 adder!quotient at byte 0x"));
  CHECK(outcome.shows("trap:   #1 divider!asks at byte 0x"));
  CHECK(outcome.shows("instance \"adder\" ends with it"));
  CHECK(outcome.shows("[hello] hello\n"));
  CHECK(outcome.shows("\"consumer\" is not started: \"adder\", which provides its \"math\", is gone"));
  CHECK_FALSE(outcome.shows("the sum is"));
  CHECK(outcome.result.status == kStatusNotStarted);
}

TEST_CASE("endless recursion is a trap") {
  const Run outcome = run("stack-overflow");
  CHECK(outcome.shows("trap: instance \"recurses\" ends: call stack exhausted"));
  CHECK(outcome.shows("recurses!again at byte 0x"));
  CHECK(outcome.shows("[hello] hello\n"));
}

TEST_CASE("the system's status is that of the first awaited instance that did not end with 0") {
  CHECK(run("status-7").result.status == 7);
  CHECK(run("status-ignored").result.status == 0);
}

TEST_CASE("a missing import is named, and ends its instance alone") {
  const Run outcome = run("missing-import");
  CHECK(outcome.shows("link: instance \"consumer\" ends:"));
  CHECK(outcome.shows("math"));
  CHECK(outcome.shows("add"));
  CHECK(outcome.shows("[hello] hello\n"));
  CHECK(outcome.result.status == kStatusNotStarted);
}

TEST_CASE("a module that is no WebAssembly ends its instance and those that need it") {
  const Run outcome = run("invalid-module");
  CHECK(outcome.shows("compile: instance \"broken\" ends:"));
  CHECK(outcome.shows("\"consumer\" is not started: \"broken\""));
  CHECK(outcome.result.status == kStatusNotStarted);
}

TEST_CASE("a reactor is initialised before its users run") { CHECK(run("reactor").result.status == 0); }

TEST_CASE("a guest's memory grows up to its limit") {
  CHECK(run("memory-limit").result.status == 5);
  const Run small = run("memory-limit-too-small");
  CHECK(small.shows("it needs 65536 bytes of memory to begin with, and its limit is 1000"));
  CHECK(small.result.status == kStatusNotStarted);
}

TEST_CASE("any flipped bit of the image is refused before a guest runs") {
  const auto good = hello();
  size_t last = good.bytes.size();
  while (good.bytes[--last] == std::byte{0}) {
  }
  uint32_t tried = 0;
  for (size_t at = 0; at <= last; at += at < 512 ? 1 : 37) {
    auto damaged = good;
    damaged.bytes[at] ^= std::byte{static_cast<unsigned char>(1u << at % 8)};
    const Run outcome = run({good.generation, {good.key}, damaged.bytes});
    CAPTURE(at, outcome.console);
    CHECK(outcome.result.end == SystemEnd::refused);
    CHECK(outcome.shows("refused: boot image"));
    CHECK_FALSE(outcome.shows("run:"));
    ++tried;
  }
  CHECK(tried > 500);
}

TEST_CASE("an image that ends early is refused at every length") {
  const auto good = hello();
  for (size_t size = 1; size < good.bytes.size(); size += 61) {
    const Run outcome = run({good.generation, {good.key}, std::span(good.bytes).first(size)});
    CHECK(outcome.result.end == SystemEnd::refused);
  }
}

TEST_CASE("another generation than the one asked for, and another key, are refused") {
  const auto good = hello();
  const auto other = scenarios::build(scenarios::named("status-7"), systems());
  const Run wrong_generation = run({other.generation, {good.key}, good.bytes});
  CHECK(wrong_generation.result.end == SystemEnd::refused);
  CHECK(wrong_generation.shows("was asked for"));
  CHECK(run({good.generation, {other.key}, good.bytes}).result.end == SystemEnd::refused);
  CHECK(run({good.generation, {other.key, good.key}, good.bytes}).result.end == SystemEnd::ran);
}

TEST_CASE("a request without key, image or readable values says what is missing") {
  const auto good = hello();
  const Run no_key = run({good.generation, {}, good.bytes});
  CHECK(no_key.result.end == SystemEnd::bad_request);
  CHECK(no_key.shows("kpkg.key"));
  const Run no_image = run({good.generation, {good.key}, {}});
  CHECK(no_image.result.end == SystemEnd::bad_request);
  CHECK(no_image.shows("no boot image"));
  CHECK(run({"sha256:zz", {good.key}, good.bytes}).result.end == SystemEnd::bad_request);
  CHECK(run({good.generation, {"nonsense"}, good.bytes}).result.end == SystemEnd::bad_request);
}

TEST_CASE("every exit status has one value of the exit device, apart from the kernel's own outcomes") {
  CHECK(outcome_of_status(0) == kernel::Outcome::success);
  CHECK(static_cast<uint32_t>(outcome_of_status(1)) == 0x20);
  CHECK(static_cast<uint32_t>(outcome_of_status(96)) == 0x7f);
  CHECK(outcome_of_status(97) == kernel::Outcome::system_failed);
  CHECK(outcome_of_status(kStatusNotStarted) == kernel::Outcome::not_started);
  CHECK(outcome_of_status(kStatusTrapped) == kernel::Outcome::trapped);
}
