// The arguments go to bwrap through a file descriptor, so that a closure of thousands of paths fits, and are built in
// the order in which bwrap applies them. File descriptors of the child: 3 arguments, 4 bwrap's status messages, 5 held
// open by the sandbox's init process: its end of file says that every process of the sandbox is gone.
#include "derivations/realise/sandbox.hpp"
#include "store/posix/child_process.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <exception>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace realise {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBwrapArgs = 8900;               // bwrap refuses more than 9,000 in all
constexpr size_t kMaxArgumentBytes = 128 * 1024 - 1; // Linux: MAX_ARG_STRLEN, with the terminating NUL
constexpr int kArgsFd = 3, kStatusFd = 4, kAliveFd = 5;

std::vector<std::string> bwrap_args(const Sandbox& sandbox) {
  std::vector<std::string> args{"--unshare-user",
                                "--unshare-pid",
                                "--unshare-ipc",
                                "--unshare-uts",
                                "--unshare-cgroup-try",
                                "--uid",
                                "1000",
                                "--gid",
                                "100",
                                "--cap-drop",
                                "ALL",
                                "--hostname",
                                "localhost",
                                "--die-with-parent",
                                "--new-session",
                                "--clearenv"};
  const auto add = [&](std::initializer_list<std::string> more) { args.insert(args.end(), more); };
  if (!sandbox.network) add({"--unshare-net"});
  for (const auto& [name, value] : sandbox.env) add({"--setenv", name, value});
  for (const SandboxSymlink& link : sandbox.symlinks) add({"--symlink", link.target, link.inside});
  add({"--proc", "/proc", "--dev", "/dev"});
  for (const SandboxMount& mount : sandbox.mounts)
    add({mount.writable ? "--bind" : "--ro-bind", std::filesystem::absolute(mount.host).string(), mount.inside});
  add({"--remount-ro", "/", "--chdir", sandbox.working_folder});
  add({"--json-status-fd", std::to_string(kStatusFd), "--sync-fd", std::to_string(kAliveFd)});
  if (args.size() > kMaxBwrapArgs)
    throw build_error("the sandbox would have " + std::to_string(sandbox.mounts.size()) + " mounts and " +
                          std::to_string(sandbox.env.size()) + " variables: about 2,900 in all are possible",
                      "depend on fewer store paths, for example by putting many of them into one");
  return args;
}

void check_sizes(const Sandbox& sandbox) {
  for (const auto& [name, value] : sandbox.env) {
    if (name.empty() || name.contains('=') || name.contains('\0'))
      throw build_error("“" + name + "” cannot be the name of an environment variable");
    if (value.contains('\0')) throw build_error("the environment variable “" + name + "” contains a NUL byte");
    if (name.size() + value.size() + 1 > kMaxArgumentBytes)
      throw build_error("the environment variable “" + name + "” has " + std::to_string(value.size()) +
                            " bytes; the system passes at most 131,071",
                        "list it in passAsFile, and the builder finds its value in the file $" + name + "Path");
  }
  for (const std::string& arg : sandbox.args) {
    if (arg.contains('\0')) throw build_error("an argument of the builder contains a NUL byte");
    if (arg.size() > kMaxArgumentBytes)
      throw build_error("an argument of the builder has " + std::to_string(arg.size()) +
                            " bytes; the system passes at most 131,071",
                        "put it into a file with builtins.toFile");
  }
}

// The arguments, each with its NUL, in an anonymous file at its beginning.
store::UniqueFd args_file(const std::vector<std::string>& args) {
  store::UniqueFd file{::memfd_create("bwrap-args", MFD_CLOEXEC)};
  if (!file) store::throw_errno("make a file for the sandbox's arguments");
  std::string text;
  for (const std::string& arg : args) text.append(arg).push_back('\0');
  store::write_all(file.get(), store::as_bytes(text), "the sandbox's arguments");
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// What is there now; false at the end of the file.
bool read_available(int fd, std::string& buffer) {
  buffer.resize(64 * 1024);
  buffer.resize(store::read_some(fd, std::as_writable_bytes(std::span{buffer}), "the sandbox's output"));
  return !buffer.empty();
}

// {"exit-code": N} comes only from a program that was started: bwrap's own failures give no such message.
std::optional<int> exit_code_in(std::string_view status_messages) {
  constexpr std::string_view key = "\"exit-code\":";
  const size_t at = status_messages.rfind(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view digits = status_messages.substr(at + key.size());
  digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
  int code = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), code).ec != std::errc{}) return std::nullopt;
  return code;
}

} // namespace

RunOutcome run_in_sandbox(const Sandbox& sandbox, const RunLimits& limits,
                          const std::function<void(std::string_view)>& on_output) {
  const auto bwrap = store::find_program("bwrap");
  if (!bwrap)
    throw build_error("bwrap is not on the PATH: derivations are built in a sandbox that bubblewrap makes",
                      "apt-get install bubblewrap");
  check_sizes(sandbox);
  const store::UniqueFd args = args_file(bwrap_args(sandbox));
  store::Pipe output = store::make_pipe(), status = store::make_pipe(), alive = store::make_pipe();

  store::SpawnOptions spawn{.program = *bwrap,
                            .arguments = {"--args", std::to_string(kArgsFd), "--", sandbox.program},
                            .descriptors = {{1, output.write.get()},
                                            {2, output.write.get()},
                                            {kArgsFd, args.get()},
                                            {kStatusFd, status.write.get()},
                                            {kAliveFd, alive.write.get()}},
                            .environment = std::vector<std::string>{}};
  spawn.arguments.insert(spawn.arguments.end(), sandbox.args.begin(), sandbox.args.end());
  store::ChildProcess child{spawn};
  output.write.reset();
  status.write.reset();
  alive.write.reset();

  std::string buffer, status_messages, head; // head: the first output, bwrap's words when the sandbox fails
  uint64_t output_bytes = 0;
  std::exception_ptr failure;
  std::optional<RunOutcome::Kind> killed_for;
  const auto stop = [&](RunOutcome::Kind kind) {
    if (!killed_for) killed_for = kind;
    child.kill();
  };
  const auto take_output = [&] {
    if (!read_available(output.read.get(), buffer)) {
      output.read.reset();
      return;
    }
    if (killed_for || failure) return;
    if (head.size() < 4096) head.append(buffer, 0, 4096);
    output_bytes += buffer.size();
    if (output_bytes > limits.max_output_bytes) return stop(RunOutcome::Kind::output_limit);
    try {
      on_output(buffer);
    } catch (...) {
      failure = std::current_exception();
      child.kill();
    }
  };

  const auto start = Clock::now();
  auto last_output = start;
  bool running = true;
  while (running) {
    std::array<pollfd, 3> fds{pollfd{child.pidfd(), POLLIN, 0}, pollfd{output.read.get(), POLLIN, 0},
                              pollfd{status.read.get(), POLLIN, 0}}; // a closed one is -1, which poll passes over
    if (::poll(fds.data(), fds.size(), 100) < 0 && errno != EINTR) store::throw_errno("watch the sandbox");
    if (fds[1].revents != 0) {
      take_output();
      last_output = Clock::now();
    }
    if (fds[2].revents != 0) {
      if (read_available(status.read.get(), buffer))
        status_messages += buffer;
      else
        status.read.reset();
    }
    if (fds[0].revents != 0) running = false;
    if (limits.cancel != nullptr && limits.cancel->load()) stop(RunOutcome::Kind::cancelled);
    const auto now = Clock::now();
    if (limits.timeout.count() > 0 && now - start > limits.timeout) stop(RunOutcome::Kind::timed_out);
    if (limits.silent_timeout.count() > 0 && now - last_output > limits.silent_timeout)
      stop(RunOutcome::Kind::fell_silent);
  }
  const store::ProcessEnd end = child.wait();
  while (alive.read && read_available(alive.read.get(), buffer)) {
  } // until the last process of the sandbox is gone
  while (output.read) take_output();
  while (status.read && read_available(status.read.get(), buffer)) status_messages += buffer;
  if (failure) std::rethrow_exception(failure);

  RunOutcome outcome;
  if (killed_for) {
    outcome.kind = *killed_for;
    return outcome;
  }
  const auto code = exit_code_in(status_messages);
  const bool no_program = code == 1 && head.starts_with("bwrap: execvp ");
  if (!code || no_program) {
    outcome.kind = RunOutcome::Kind::not_started;
    if (head.empty() && !end.exit_status) head = "bwrap was killed by signal " + std::to_string(end.signal);
    while (head.ends_with('\n')) head.pop_back();
    outcome.detail = head;
  } else if (*code > 128 && *code <= 128 + 64) { // as a shell tells it, and bwrap with it
    outcome.kind = RunOutcome::Kind::signalled;
    outcome.status = *code - 128;
  } else {
    outcome.status = *code;
  }
  return outcome;
}

} // namespace realise
