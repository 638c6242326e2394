// The sandbox by itself, with the host's /usr as its root: what a program in it can and cannot do, and how it ends.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/realise/sandbox.hpp"
#include "store/local/file_tree.hpp"
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {
namespace fs = std::filesystem;
using realise::RunLimits;
using realise::RunOutcome;
using Kind = realise::RunOutcome::Kind;
using namespace std::chrono_literals;

// A folder for one sandbox, removed with all that was done to it.
class Folder {
public:
  Folder()
      : path_(fs::temp_directory_path() /
              ("kpkg-sandbox-" + std::to_string(::getpid()) + "-" + std::to_string(count++))) {
    fs::create_directories(path_);
    REQUIRE(::chown(path_.c_str(), realise::identity_for_slot(0).uid, realise::identity_for_slot(0).gid) == 0);
  }
  ~Folder() { store::remove_tree(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

private:
  static inline int count = 0;
  fs::path path_;
};

realise::Sandbox shell(const std::string& script) {
  realise::Sandbox sandbox;
  sandbox.identity = realise::identity_for_slot(0);
  sandbox.mounts = {{"/usr", "/usr", false}};
  sandbox.symlinks = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}};
  sandbox.working_folder = "/";
  sandbox.env = {{"PATH", "/bin"}};
  sandbox.program = "/bin/sh";
  sandbox.args = {"-c", script};
  return sandbox;
}

struct Run {
  RunOutcome outcome;
  std::string output;
};
Run run(realise::Sandbox sandbox, const RunLimits& limits = {}) {
  const Folder folder;
  sandbox.folder = folder.path();
  Run result;
  result.outcome = realise::run_in_sandbox(sandbox, limits, [&](std::string_view text) { result.output += text; });
  return result;
}
std::string output(const std::string& script) { return run(shell(script)).output; }

} // namespace

TEST_CASE("a program in the sandbox is uid 1000, gid 100, on the host localhost, and process 2 of its own world") {
  CHECK(output("id -u; id -g; uname -n; echo $$") == "1000\n100\nlocalhost\n2\n");
}

TEST_CASE("the sandbox's root holds what was mounted and nothing else") {
  CHECK(output("ls /") == "bin\ndev\nlib\nlib64\nproc\nusr\n");
  CHECK(output("ls /dev | tr '\\n' ' '") ==
        "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
}

TEST_CASE("the environment is exactly what was given") {
  auto sandbox = shell("");
  sandbox.program = "/usr/bin/env";
  sandbox.args = {};
  sandbox.env = {{"A", "one\ntwo"}, {"PATH", "/x"}};
  CHECK(run(sandbox).output == "A=one\ntwo\nPATH=/x\n");
}

TEST_CASE("neither the root nor a read-only mount can be written") {
  CHECK(output("echo x 2>&1 > /file; echo x > /usr/file; ls /file /usr/file 2>/dev/null; echo end").ends_with("end\n"));
  CHECK_FALSE(fs::exists("/usr/file"));
  CHECK(output("mkdir /new 2>&1").find("Permission denied") != std::string::npos);
  CHECK(output("mkdir /usr/new 2>&1").find("Read-only file system") != std::string::npos);
}

TEST_CASE("there is no network, not even the host's loopback") {
  CHECK(output("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '") == "lo\n");
  auto open = shell("tail -n +3 /proc/net/dev | wc -l");
  open.network = true;
  CHECK(std::stoi(run(open).output) >= 1);
}

TEST_CASE("a program in the sandbox has no capabilities and no file descriptors but its three") {
  CHECK(output("grep CapEff /proc/self/status") == "CapEff:\t0000000000000000\n");
  CHECK(output("exec ls /proc/self/fd") == "0\n1\n2\n3\n"); // 3 is the folder that ls reads
  CHECK(output("cat; echo end") == "end\n");
}

TEST_CASE("exit statuses and signals are told apart from a sandbox that did not start") {
  CHECK(run(shell("exit 0")).outcome.kind == Kind::exited);
  const auto failed = run(shell("echo some output; exit 3"));
  CHECK(failed.outcome.kind == Kind::exited);
  CHECK(failed.outcome.status == 3);
  CHECK(failed.output == "some output\n");
  const auto signalled = run(shell("kill -SEGV $$"));
  CHECK(signalled.outcome.kind == Kind::signalled);
  CHECK(signalled.outcome.status == SIGSEGV);
  auto absent = shell("");
  absent.program = "/bin/no-such-program";
  const auto not_started = run(absent);
  CHECK(not_started.outcome.kind == Kind::not_executed);
  CHECK(not_started.outcome.status == ENOENT);
  auto lost = shell("");
  lost.mounts.push_back({"/no/such/folder", "/x", false});
  const auto lost_run = run(lost);
  CHECK(lost_run.outcome.kind == Kind::not_started);
  CHECK(lost_run.outcome.detail == "/no/such/folder");
}

TEST_CASE("an exit status that a shell would give for a signal is an exit status") {
  const auto fake = run(shell("exit 137"));
  CHECK(fake.outcome.kind == Kind::exited);
  CHECK(fake.outcome.status == 137);
  CHECK(run(shell("exit 255")).outcome.status == 255);
}

TEST_CASE("limits stop a program and everything that it has started") {
  SECTION("time") {
    RunLimits limits;
    limits.timeout = 1s;
    const auto start = std::chrono::steady_clock::now();
    const auto result = run(shell("sleep 61 & echo started; sleep 62"), limits);
    CHECK(result.outcome.kind == Kind::timed_out);
    CHECK(result.output == "started\n");
    CHECK(std::chrono::steady_clock::now() - start < 10s);
  }
  SECTION("silence") {
    RunLimits limits;
    limits.silent_timeout = 1s;
    CHECK(run(shell("echo a; sleep 63"), limits).outcome.kind == Kind::fell_silent);
  }
  SECTION("output") {
    RunLimits limits;
    limits.max_output_bytes = 100000;
    const auto result = run(shell("while :; do echo yes yes yes yes yes yes yes; done"), limits);
    CHECK(result.outcome.kind == Kind::output_limit);
    CHECK(result.output.size() <= 100000);
  }
  SECTION("somebody's wish") {
    std::atomic<bool> cancel{false};
    RunLimits limits;
    limits.cancel = &cancel;
    std::thread other{[&] {
      std::this_thread::sleep_for(300ms);
      cancel = true;
    }};
    CHECK(run(shell("sleep 64"), limits).outcome.kind == Kind::cancelled);
    other.join();
  }
  SECTION("an exception of the listener") {
    const Folder folder;
    auto sandbox = shell("echo x; sleep 65");
    sandbox.folder = folder.path();
    CHECK_THROWS_WITH(
        realise::run_in_sandbox(sandbox, {}, [](std::string_view) { throw std::runtime_error("disk full"); }),
        "disk full");
  }
}

TEST_CASE("a daemon that the program leaves behind does not outlive it") {
  const Folder shared;
  const fs::path& folder = shared.path();
  auto sandbox = shell("(while :; do echo x >> /shared/beat; sleep 0.05; done) > /dev/null 2>&1 & sleep 0.3; exit 0");
  sandbox.mounts.push_back({folder, "/shared", true});
  CHECK(run(sandbox).outcome.kind == Kind::exited);
  const auto size = fs::file_size(folder / "beat");
  CHECK(size > 0);
  std::this_thread::sleep_for(300ms);
  CHECK(fs::file_size(folder / "beat") == size);
}

TEST_CASE("when the process that waits is killed, the sandbox dies with it") {
  const Folder shared;
  const fs::path& folder = shared.path();
  auto sandbox = shell("while :; do echo x >> /shared/beat; sleep 0.05; done");
  sandbox.mounts.push_back({folder, "/shared", true});
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      static_cast<void>(run(sandbox));
    } catch (...) {
    }
    ::_exit(0);
  }
  for (int i = 0; i < 200 && !fs::exists(folder / "beat"); ++i) std::this_thread::sleep_for(20ms);
  REQUIRE(fs::exists(folder / "beat"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  std::this_thread::sleep_for(200ms);
  const auto size = fs::file_size(folder / "beat");
  std::this_thread::sleep_for(300ms);
  CHECK(fs::file_size(folder / "beat") == size);
}

TEST_CASE("what the system cannot pass to a program is refused by name") {
  auto sandbox = shell("");
  sandbox.env["BIG"] = std::string(200000, 'x');
  CHECK_THROWS_WITH(run(sandbox), Catch::Contains("BIG") && Catch::Contains("131,071"));
  sandbox = shell("");
  sandbox.env["NUL"] = std::string("a\0b", 3);
  CHECK_THROWS_WITH(run(sandbox), Catch::Contains("NUL byte"));
  sandbox = shell("");
  sandbox.args.push_back(std::string(200000, 'x'));
  CHECK_THROWS_WITH(run(sandbox), Catch::Contains("argument"));
  sandbox = shell("");
  sandbox.mounts.resize(100'001, {"/usr", "/m", false});
  CHECK_THROWS_WITH(run(sandbox), Catch::Contains("mounts"));
}
