#include "store/posix/child_process.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/user_error.hpp"
#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>

namespace store {

using namespace std::chrono_literals;

namespace {

const std::filesystem::path kShell = "/bin/sh";

} // namespace

TEST_CASE("a program's output is read, and its failure told") {
  CHECK(output_of(kShell, {"-c", "echo $1 $HOME", "sh", "a b"}) == "a b\n"); // no environment
  CHECK_THROWS_WITH(output_of(kShell, {"-c", "exit 3"}), Catch::Contains("/bin/sh failed"));
  CHECK_THROWS_WITH(output_of("/absent/program", {}), Catch::Contains("/absent/program"));
}

TEST_CASE("how a process ended is told: status or signal") {
  ChildProcess exits{{.program = kShell, .arguments = {"-c", "exit 7"}, .descriptors = {}, .environment = {}}};
  CHECK(exits.wait().exit_status == 7);
  CHECK(exits.wait().exit_status == 7); // as often as it is asked
  ChildProcess dies{{.program = kShell, .arguments = {"-c", "kill -TERM $$"}, .descriptors = {}, .environment = {}}};
  const ProcessEnd end = dies.wait();
  CHECK_FALSE(end.exit_status);
  CHECK(end.signal == SIGTERM);
}

TEST_CASE("waiting ends in time, and who goes away takes the process along") {
  const auto start = std::chrono::steady_clock::now();
  {
    ChildProcess sleeps{
        {.program = kShell, .arguments = {"-c", "exec sleep 60"}, .descriptors = {}, .environment = {}}};
    CHECK_FALSE(sleeps.wait_for(20ms));
  }
  CHECK(std::chrono::steady_clock::now() - start < 30s);
  ChildProcess ends{{.program = kShell, .arguments = {"-c", ":"}, .descriptors = {}, .environment = {}}};
  CHECK(ends.wait_for(30s).value().exit_status == 0);
}

TEST_CASE("a child has the descriptors it was given and no others") {
  Pipe output = make_pipe(), other = make_pipe();
  const UniqueFd open_one{::open("/dev/null", O_RDONLY)}; // without close-on-exec
  // Crosswise: 3 there is the one with the higher number here.
  ChildProcess child{{.program = kShell,
                      .arguments = {"-c", "echo out; echo five >&5; echo err >&2; ls /proc/self/fd | wc -l"},
                      .descriptors = {{1, output.write.get()}, {5, other.write.get()}},
                      .environment = {}}};
  output.write.reset();
  other.write.reset();
  const std::string out = read_all(output.read.get(), "output");
  CHECK(out.starts_with("out\n"));
  CHECK(read_all(other.read.get(), "other") == "five\n");
  CHECK(child.wait().exit_status == 0);
  CHECK(std::stoi(out.substr(4)) == 5); // 0, 1, 2, 5 and the folder that ls reads
}

TEST_CASE("programs are found on the PATH, and by their own path") {
  CHECK(find_program("sh"));
  CHECK(find_program("/bin/sh") == kShell);
  CHECK_FALSE(find_program("no-such-program-here"));
  CHECK_FALSE(find_program("/no/such/program"));
}

} // namespace store
