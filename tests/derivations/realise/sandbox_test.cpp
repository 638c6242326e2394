// The sandbox by itself, with the host's /usr as its root: what a program in it can and cannot do, and how it ends.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/realise/sandbox.hpp"
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

void need_bwrap() {
  if (std::system("bwrap --unshare-user --ro-bind / / true 2>/dev/null") == 0) return;
  std::cout << "SKIPPED: bwrap is not installed or may not make user namespaces here" << std::endl;
  std::exit(77);
}

realise::Sandbox shell(const std::string& script) {
  need_bwrap();
  realise::Sandbox sandbox;
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
Run run(const realise::Sandbox& sandbox, const RunLimits& limits = {}) {
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
  CHECK(run(sandbox).output == "A=one\ntwo\nPATH=/x\nPWD=/\n");
}

TEST_CASE("neither the root nor a read-only mount can be written") {
  CHECK(output("echo x 2>&1 > /file; echo x > /usr/file; ls /file /usr/file 2>/dev/null; echo end").ends_with("end\n"));
  CHECK_FALSE(fs::exists("/usr/file"));
  CHECK(output("mkdir /new 2>&1").find("Read-only file system") != std::string::npos);
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
  CHECK(not_started.outcome.kind == Kind::not_started);
  CHECK(not_started.outcome.detail.find("/bin/no-such-program") != std::string::npos);
  auto lost = shell("");
  lost.mounts.push_back({"/no/such/folder", "/x", false});
  CHECK(run(lost).outcome.kind == Kind::not_started);
}

TEST_CASE("a builder that prints bwrap's words and fails is still a builder that failed") {
  const auto fake = run(shell("echo 'bwrap: cannot do anything'; exit 1"));
  CHECK(fake.outcome.kind == Kind::exited);
  CHECK(fake.outcome.status == 1);
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
    CHECK_THROWS_WITH(realise::run_in_sandbox(shell("echo x; sleep 65"), {},
                                              [](std::string_view) { throw std::runtime_error("disk full"); }),
                      "disk full");
  }
}

TEST_CASE("a daemon that the program leaves behind does not outlive it") {
  const fs::path folder = fs::temp_directory_path() / ("kpkg-sandbox-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  auto sandbox = shell("(while :; do echo x >> /shared/beat; sleep 0.05; done) > /dev/null 2>&1 & sleep 0.3; exit 0");
  sandbox.mounts.push_back({folder, "/shared", true});
  CHECK(run(sandbox).outcome.kind == Kind::exited);
  const auto size = fs::file_size(folder / "beat");
  CHECK(size > 0);
  std::this_thread::sleep_for(300ms);
  CHECK(fs::file_size(folder / "beat") == size);
  fs::remove_all(folder);
}

TEST_CASE("when the process that waits is killed, the sandbox dies with it") {
  need_bwrap();
  const fs::path folder = fs::temp_directory_path() / ("kpkg-orphan-" + std::to_string(::getpid()));
  fs::create_directories(folder);
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
  fs::remove_all(folder);
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
  for (int i = 0; i < 4000; ++i) sandbox.mounts.push_back({"/usr", "/m" + std::to_string(i), false});
  CHECK_THROWS_WITH(run(sandbox), Catch::Contains("mounts"));
}

TEST_CASE("without bwrap on the PATH the error names the package") {
  const auto sandbox = shell("");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  try {
    static_cast<void>(run(sandbox));
    FAIL("it ran");
  } catch (const store::UserError& error) {
    CHECK_THAT(error.what(), Catch::Contains("bwrap is not on the PATH"));
    CHECK(error.hint() == "apt-get install bubblewrap");
  }
  ::setenv("PATH", path.c_str(), 1);
}
