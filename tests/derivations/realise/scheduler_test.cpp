// Many builds: order, parallelism, what is skipped, what one failure does to the others, two processes at once.
#include "tests/derivations/realise/build_fixture.hpp"
#include <atomic>
#include <signal.h>
#include <sys/wait.h>
#include <thread>

using namespace realise;
using namespace realise::test;
using Catch::Contains;

namespace {
class Recorder final : public BuildObserver {
public:
  void planned(size_t builds, size_t substituted) override {
    events.push_back("plan " + std::to_string(builds) + " " + std::to_string(substituted));
  }
  void started(const StorePath& path) override { events.push_back("start " + std::string{path.name()}); }
  void log_line(const StorePath&, std::string_view line) override { events.push_back("line " + std::string{line}); }
  void finished(const StorePath& path, double) override { events.push_back("end " + std::string{path.name()}); }
  void failed(const StorePath& path, const store::UserError&) override {
    events.push_back("fail " + std::string{path.name()});
  }
  std::vector<std::string> events;
};
} // namespace

TEST_CASE("inputs are built before their users, and every event is told in order") {
  BuildStore store;
  const auto a = store.derivation("a", "echo building a; echo from-a > $out");
  const auto b = store.derivation("b", "cat $a > $out; echo from-b >> $out", store.with_input(a, "a"));
  Recorder recorder;
  BuildOptions options;
  options.observer = &recorder;
  const auto info = store.build_out(b, options);
  CHECK(contents_of(store.local.physical(info.path)) == "from-a\nfrom-b\n");
  CHECK(recorder.events == std::vector<std::string>{"plan 2 0", "start a.drv", "line building a", "end a.drv",
                                                    "start b.drv", "end b.drv"});
}

TEST_CASE("what is valid already is not built again, nor are its inputs looked at") {
  BuildStore store;
  const auto a = store.derivation("a", "echo a > $out");
  const auto b = store.derivation("b", "cat $a > $out", store.with_input(a, "a"));
  CHECK(realise::build(store.local, {{b, {"out"}}}).built.size() == 2);
  CHECK(realise::build(store.local, {{b, {"out"}}}).built.empty());
}

TEST_CASE("an input's build-time inputs are not visible to its user, its run-time references are") {
  BuildStore store;
  const auto tool = store.derivation("tool", "echo tool > $out");
  const auto runtime = store.derivation("runtime", "echo runtime > $out");
  const auto library = store.derivation("library", "echo $runtime > $out", [&](Derivation& drv) {
    store.with_input(tool, "tool")(drv);
    store.with_input(runtime, "runtime")(drv);
  });
  const auto user = store.derivation("user", "cat $(cat $library) > $out; ls /kpkg/store >> $out",
                                     store.with_input(library, "library"));
  const std::string seen = contents_of(store.local.physical(store.build_out(user).path));
  CHECK_THAT(seen, Contains("runtime\n") && Contains("-library\n") && !Contains("-tool\n"));
}

TEST_CASE("independent builds run at the same time, as many as there are jobs") {
  BuildStore store;
  std::vector<BuildTarget> targets;
  for (const char* name : {"p", "q", "r"})
    targets.push_back({store.derivation(name, "sleep 0.6; echo > $out"), {"out"}});
  BuildOptions options;
  options.jobs = 3;
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(realise::build(store.local, targets, options));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds{1700});
}

TEST_CASE("a failure stops its users only; the error names every failure and how many were not tried") {
  BuildStore store;
  const auto bad = store.derivation("bad", "echo oh no; exit 1");
  const auto worse = store.derivation("worse", "exit 2");
  const auto good = store.derivation("good", "sleep 0.2; echo > $out");
  const auto user = store.derivation("user", "echo > $out", store.with_input(bad, "bad"));
  const auto last = store.derivation("last", "echo > $out", store.with_input(user, "user"));
  try {
    static_cast<void>(realise::build(store.local, {{last, {"out"}}, {worse, {"out"}}, {good, {"out"}}}));
    FAIL("it did not fail");
  } catch (const BuildsFailed& error) {
    CHECK(error.failures().size() == 2);
    CHECK_THAT(error.what(),
               Contains("building “bad” failed") && Contains("| oh no") && Contains("building “worse” failed"));
    CHECK_THAT(error.what(), Contains("2 derivations were not built because of this"));
  }
  CHECK(store.local.is_valid(store.out_of(good)));
  CHECK_FALSE(store.local.is_valid(store.out_of(user)));
}

TEST_CASE("a substitute takes the place of a build and of everything below it") {
  BuildStore store;
  const auto a = store.derivation("a", "exit 1");
  const auto b = store.derivation("b", "exit 1", store.with_input(a, "a"));
  const auto c = store.derivation("c", "cat $b > $out", store.with_input(b, "b"));
  std::vector<std::string> asked;
  BuildOptions options;
  options.try_substitute = [&](const StorePath& path) {
    asked.emplace_back(path.name());
    if (path != store.out_of(b)) return false;
    const fs::path tree = store.folder() / "fetched";
    std::ofstream{tree} << "fetched";
    store::PathInfo info{
        .path = path, .nar_hash = {}, .references = {}, .deriver = {}, .signatures = {}, .content_address = {}};
    std::tie(info.nar_hash, info.nar_size_bytes) = store::hash_path(tree);
    store.local.add_nar(info, [&](const store::ByteSink& sink) {
      store::NarWriter writer{sink};
      store::dump_path(tree, writer);
      store::unwrap(writer.finish(), "tree");
    });
    return true;
  };
  const auto result = realise::build(store.local, {{c, {"out"}}}, options);
  CHECK(contents_of(store.local.physical(store.out_of(c))) == "fetched");
  CHECK(asked == std::vector<std::string>{"c", "b"});
  CHECK(result.substituted == std::vector<StorePath>{store.out_of(b)});
}

TEST_CASE("what is built is signed with the given key") {
  BuildStore store;
  const auto key = store::SecretKey::generate("builder-1");
  BuildOptions options;
  options.signing_key = &key;
  const auto info = store.build_out(store.derivation("signed", "echo > $out"), options);
  CHECK(info.signatures.size() == 1);
  CHECK(info.verify_signatures({key.public_key()}).has_value());
}

TEST_CASE("an unknown output and a lost source are named before anything is built") {
  BuildStore store;
  const auto a = store.derivation("a", "echo > $out");
  CHECK_THROWS_WITH(realise::build(store.local, {{a, {"doc"}}}), Contains("has no output “doc”"));
}

TEST_CASE("a failure at the bottom of a long chain ends all of it") {
  BuildStore store;
  auto previous = store.derivation("d0", "exit 9");
  for (int i = 1; i <= 40; ++i)
    previous = store.derivation("d" + std::to_string(i), "echo > $out", store.with_input(previous, "input"));
  CHECK_THAT(store.failure_of(previous), Contains("building “d0” failed") && Contains("40 derivations were not built"));
}

TEST_CASE("two processes that want the same derivation build it once") {
  BuildStore store;
  const fs::path root = store.local.root();
  const auto drv = store.derivation("once", "sleep 0.5; echo > $out");
  std::array<pid_t, 2> children{};
  for (pid_t& child : children) {
    child = ::fork();
    REQUIRE(child >= 0);
    if (child != 0) continue;
    int status = 100;
    try {
      store::LocalStore local{root};
      status = static_cast<int>(realise::build(local, {{drv, {"out"}}}).built.size());
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
    }
    ::_exit(status);
  }
  int builds = 0;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    builds += WEXITSTATUS(status);
  }
  CHECK(builds == 1);
  CHECK(store.local.is_valid(store.out_of(drv)));
}

TEST_CASE("a build killed in the middle leaves no valid path, and its folder is swept by the next") {
  BuildStore store;
  const fs::path root = store.local.root();
  const auto drv = store.derivation("killed", "echo half > $out; echo ready; sleep 40");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      store::LocalStore local{root};
      static_cast<void>(realise::build(local, {{drv, {"out"}}}));
    } catch (...) {
    }
    ::_exit(0);
  }
  for (int i = 0; i < 300 && contents_of(store.local.log_path(drv)).empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  REQUIRE(contents_of(store.local.log_path(drv)) == "ready\n");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_FALSE(store.local.is_valid(store.out_of(drv)));
  CHECK_FALSE(fs::exists(store.local.physical(store.out_of(drv))));
  CHECK_FALSE(fs::is_empty(root / "var/builds"));
  static_cast<void>(store.build_out(store.derivation("next", "echo > $out")));
  CHECK(fs::is_empty(root / "var/builds"));
}

TEST_CASE("an interrupt ends running builds and starts no others") {
  BuildStore store;
  std::atomic<bool> cancel{false};
  BuildOptions options;
  options.limits.cancel = &cancel;
  options.jobs = 1;
  const auto slow = store.derivation("slow", "sleep 30");
  const auto user = store.derivation("user", "echo > $out", store.with_input(slow, "slow"));
  std::thread interrupt{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{400});
    cancel = true;
  }};
  const std::string message = store.failure_of(user, options);
  interrupt.join();
  CHECK_THAT(message, Contains("it was interrupted") && Contains("1 derivation was not built"));
}
