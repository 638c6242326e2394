#include "store/posix/child_process.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
extern "C" { // glibc 2.36 forgets it
#include <sys/pidfd.h>
}

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX wants it declared by the program

namespace store {

namespace fs = std::filesystem;

namespace {

class SpawnActions {
public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void dup(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open_null(int to) { ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDWR, 0); }
  void close_from(int first) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  void close(int fd) { ::posix_spawn_file_actions_addclose(&actions_, fd); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
  posix_spawn_file_actions_t actions_{};
};

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

// What exec wants: pointers to the texts, then null.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

UniqueFd duplicate_above(int fd, int lowest) {
  UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, lowest)};
  if (!copy) throw_errno("duplicate a file descriptor");
  return copy;
}

ProcessEnd end_of(int wait_status) {
  if (WIFEXITED(wait_status)) return {.exit_status = WEXITSTATUS(wait_status)};
  return {.exit_status = {}, .signal = WTERMSIG(wait_status)};
}

} // namespace

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("make a pipe");
  return {.read = UniqueFd{ends[0]}, .write = UniqueFd{ends[1]}};
}

std::optional<fs::path> find_program(std::string_view name) {
  if (name.contains('/'))
    return ::access(std::string{name}.c_str(), X_OK) == 0 ? std::optional{fs::path{name}} : std::nullopt;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    fs::path candidate = fs::path{rest.substr(0, end)} / name;
    if (end != 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

ChildProcess::ChildProcess(const SpawnOptions& options) {
  int highest = 2;
  for (const auto& [there, here] : options.descriptors) highest = std::max(highest, there);
  // Sources go above all targets first, so that no dup2 overwrites the source of a later one.
  std::vector<UniqueFd> sources;
  SpawnActions actions;
  std::vector<bool> taken(static_cast<size_t>(highest) + 1);
  for (const auto& [there, here] : options.descriptors) {
    actions.dup(sources.emplace_back(duplicate_above(here, highest + 1)).get(), there);
    taken[static_cast<size_t>(there)] = true;
  }
  for (int fd = 0; fd <= highest; ++fd) {
    if (taken[static_cast<size_t>(fd)]) continue;
    if (fd <= 2) {
      actions.open_null(fd);
    } else {
      actions.open_null(fd); // closing what is not open would be an error
      actions.close(fd);
    }
  }
  actions.close_from(highest + 1);

  std::vector<std::string> arguments{options.program.string()};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = options.environment ? pointers(*options.environment) : std::vector<char*>{};
  const SpawnAttributes attributes;
  if (const int error = ::posix_spawn(&pid_, options.program.c_str(), actions.get(), attributes.get(), argv.data(),
                                      options.environment ? envp.data() : environ)) {
    pid_ = -1;
    throw_errno("start", options.program, error);
  }
  pidfd_ = UniqueFd{::pidfd_open(pid_, 0)};
  if (!pidfd_) {
    const int error = errno;
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
    throw_errno("watch", options.program, error);
  }
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || end_) return;
  kill();
  static_cast<void>(wait());
}

void ChildProcess::kill(int signal) {
  if (!end_) ::kill(pid_, signal); // not reaped yet, so that the number is still its own
}

ProcessEnd ChildProcess::wait() {
  if (!end_) {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    end_ = end_of(status);
  }
  return *end_;
}

std::optional<ProcessEnd> ChildProcess::wait_for(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!end_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&ended, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000)));
    if (ready < 0 && errno != EINTR) throw_errno("wait for a process");
    if (ready > 0) return wait();
    if (ready == 0 && left.count() <= 0) return std::nullopt;
  }
  return end_;
}

std::string output_of(const fs::path& program, std::vector<std::string> arguments) {
  Pipe output = make_pipe();
  ChildProcess child{{.program = program,
                      .arguments = std::move(arguments),
                      .descriptors = {{1, output.write.get()}, {2, 2}},
                      .environment = std::vector<std::string>{}}};
  output.write.reset();
  std::string text = read_all(output.read.get(), program);
  if (child.wait().exit_status != 0) throw UserError(program.string() + " failed");
  return text;
}

} // namespace store
