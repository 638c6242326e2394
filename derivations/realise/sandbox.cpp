// The arguments go to bwrap through a file descriptor, so that a closure of thousands of paths fits, and are built in
// the order in which bwrap applies them. File descriptors of the child: 3 arguments, 4 bwrap's status messages, 5 held
// open by the sandbox's init process: its end of file says that every process of the sandbox is gone.
#include "derivations/realise/sandbox.hpp"
#include "store/posix/unique_fd.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" { // glibc 2.36 forgets it
#include <sys/pidfd.h>
}

namespace realise {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBwrapArgs = 8900;               // bwrap refuses more than 9,000 in all
constexpr size_t kMaxArgumentBytes = 128 * 1024 - 1; // Linux: MAX_ARG_STRLEN, with the terminating NUL
constexpr int kArgsFd = 3, kStatusFd = 4, kAliveFd = 5;

std::string errno_text(int error) { return std::strerror(error); }

using Fd = store::UniqueFd;
void close(Fd& fd) { fd = Fd{}; }

// Away from the numbers that the child's own descriptors get, so that no dup2 overwrites a source.
Fd raise(int fd) {
  Fd low{fd};
  if (fd < 0) throw BuildError("cannot open a file descriptor: " + errno_text(errno));
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 16);
  if (high < 0) throw BuildError("cannot open a file descriptor: " + errno_text(errno));
  return Fd{high};
}

struct Pipe {
  Fd read, write;
};
Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw BuildError("cannot make a pipe: " + errno_text(errno));
  Fd second{ends[1]};
  Pipe pipe;
  pipe.read = raise(ends[0]);
  pipe.write = raise(::fcntl(second.get(), F_DUPFD_CLOEXEC, 16));
  return pipe;
}

class SpawnActions {
public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void dup(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open_null(int to) { ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDONLY, 0); }
  void close_from(int first) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
  posix_spawn_file_actions_t actions_{};
};

// Signals as a program expects them at its start, whatever this process does with them.
class SpawnAttributes {
public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

private:
  posix_spawnattr_t attributes_{};
};

// A child that is killed and waited for, whatever happens to its owner.
class Child {
public:
  Child(const std::filesystem::path& program, const std::vector<std::string>& args, const SpawnActions& actions) {
    std::vector<char*> argv;
    argv.reserve(args.size() + 1);
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    char* no_environment[] = {nullptr};
    const SpawnAttributes attributes;
    if (const int error =
            ::posix_spawn(&pid_, program.c_str(), actions.get(), attributes.get(), argv.data(), no_environment)) {
      pid_ = -1;
      throw BuildError("cannot start " + program.string() + ": " + errno_text(error));
    }
  }
  ~Child() {
    if (pid_ < 0) return;
    kill();
    static_cast<void>(wait());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void kill() const { ::kill(pid_, SIGKILL); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

private:
  pid_t pid_ = -1;
};

std::optional<std::filesystem::path> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    std::filesystem::path candidate = std::filesystem::path{rest.substr(0, end)} / name;
    if (end != 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

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
    throw BuildError("the sandbox would have " + std::to_string(sandbox.mounts.size()) + " mounts and " +
                         std::to_string(sandbox.env.size()) + " variables: about 2,900 in all are possible",
                     "depend on fewer store paths, for example by putting many of them into one");
  return args;
}

void check_sizes(const Sandbox& sandbox) {
  for (const auto& [name, value] : sandbox.env) {
    if (name.empty() || name.contains('=') || name.contains('\0'))
      throw BuildError("“" + name + "” cannot be the name of an environment variable");
    if (value.contains('\0')) throw BuildError("the environment variable “" + name + "” contains a NUL byte");
    if (name.size() + value.size() + 1 > kMaxArgumentBytes)
      throw BuildError("the environment variable “" + name + "” has " + std::to_string(value.size()) +
                           " bytes; the system passes at most 131,071",
                       "list it in passAsFile, and the builder finds its value in the file $" + name + "Path");
  }
  for (const std::string& arg : sandbox.args) {
    if (arg.contains('\0')) throw BuildError("an argument of the builder contains a NUL byte");
    if (arg.size() > kMaxArgumentBytes)
      throw BuildError("an argument of the builder has " + std::to_string(arg.size()) +
                           " bytes; the system passes at most 131,071",
                       "put it into a file with builtins.toFile");
  }
}

// The arguments, each with its NUL, in an anonymous file at its beginning.
Fd args_file(const std::vector<std::string>& args) {
  Fd file = raise(::memfd_create("bwrap-args", MFD_CLOEXEC));
  std::string text;
  for (const std::string& arg : args) text.append(arg).push_back('\0');
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw BuildError("cannot pass the sandbox its arguments: " + errno_text(errno));
    rest.remove_prefix(static_cast<size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// What is there now; false at the end of the file.
bool read_some(int fd, std::string& buffer) {
  buffer.resize(64 * 1024);
  ssize_t size = 0;
  while ((size = ::read(fd, buffer.data(), buffer.size())) < 0 && errno == EINTR) {
  }
  buffer.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return size > 0;
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
  const auto bwrap = find_program("bwrap");
  if (!bwrap)
    throw BuildError("bwrap is not on the PATH: derivations are built in a sandbox that bubblewrap makes",
                     "apt-get install bubblewrap");
  check_sizes(sandbox);
  const Fd args = args_file(bwrap_args(sandbox));
  Pipe output = make_pipe(), status = make_pipe(), alive = make_pipe();

  std::vector<std::string> argv{"bwrap", "--args", std::to_string(kArgsFd), "--", sandbox.program};
  argv.insert(argv.end(), sandbox.args.begin(), sandbox.args.end());
  SpawnActions actions;
  actions.open_null(0);
  actions.dup(output.write.get(), 1);
  actions.dup(output.write.get(), 2);
  actions.dup(args.get(), kArgsFd);
  actions.dup(status.write.get(), kStatusFd);
  actions.dup(alive.write.get(), kAliveFd);
  actions.close_from(kAliveFd + 1);
  Child child{*bwrap, argv, actions};
  close(output.write);
  close(status.write);
  close(alive.write);
  const Fd ended{::pidfd_open(child.pid(), 0)};
  if (!ended) throw BuildError("cannot watch the sandbox: " + errno_text(errno));

  std::string buffer, status_messages, head; // head: the first output, bwrap's words when the sandbox fails
  uint64_t output_bytes = 0;
  std::exception_ptr failure;
  std::optional<RunOutcome::Kind> killed_for;
  const auto stop = [&](RunOutcome::Kind kind) {
    if (!killed_for) killed_for = kind;
    child.kill();
  };
  const auto take_output = [&] {
    if (!read_some(output.read.get(), buffer)) {
      close(output.read);
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
    std::array<pollfd, 3> fds{pollfd{ended.get(), POLLIN, 0}, pollfd{output.read.get(), POLLIN, 0},
                              pollfd{status.read.get(), POLLIN, 0}}; // a closed one is -1, which poll passes over
    if (::poll(fds.data(), fds.size(), 100) < 0 && errno != EINTR)
      throw BuildError("cannot watch the sandbox: " + errno_text(errno));
    if (fds[1].revents != 0) {
      take_output();
      last_output = Clock::now();
    }
    if (fds[2].revents != 0) {
      if (read_some(status.read.get(), buffer))
        status_messages += buffer;
      else
        close(status.read);
    }
    if (fds[0].revents != 0) running = false;
    if (limits.cancel != nullptr && limits.cancel->load()) stop(RunOutcome::Kind::cancelled);
    const auto now = Clock::now();
    if (limits.timeout.count() > 0 && now - start > limits.timeout) stop(RunOutcome::Kind::timed_out);
    if (limits.silent_timeout.count() > 0 && now - last_output > limits.silent_timeout)
      stop(RunOutcome::Kind::fell_silent);
  }
  const int wait_status = child.wait();
  while (alive.read && read_some(alive.read.get(), buffer)) {
  } // until the last process of the sandbox is gone
  while (output.read) take_output();
  while (status.read && read_some(status.read.get(), buffer)) status_messages += buffer;
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
    if (head.empty() && WIFSIGNALED(wait_status))
      head = "bwrap was killed by signal " + std::to_string(WTERMSIG(wait_status));
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

std::string output_of(const std::filesystem::path& program, const std::vector<std::string>& args) {
  Pipe output = make_pipe();
  SpawnActions actions;
  actions.open_null(0);
  actions.dup(output.write.get(), 1);
  actions.close_from(3);
  std::vector<std::string> argv{program.string()};
  argv.insert(argv.end(), args.begin(), args.end());
  Child child{program, argv, actions};
  close(output.write);
  std::string text, buffer;
  while (read_some(output.read.get(), buffer)) text += buffer;
  const int status = child.wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw BuildError(program.string() + " failed");
  return text;
}

} // namespace realise
