// Mount points are made here, below the sandbox's root, before anything is mounted, exclusively and without following
// links; everything else is done by the sandbox's first processes (sandbox_init/), which this file starts and watches.
//
// That a process's pidfd is readable says, of the first process of a process namespace, that all others of it are gone
// too; the end of a pipe that it held does not.
#include "derivations/realise/sandbox.hpp"
#include "derivations/realise/sandbox_init/protocol.hpp"
#include "derivations/realise/system_call_filter.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/child_process.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/folder.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sstream>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" { // glibc 2.36 forgets it
#include <sys/pidfd.h>
}

extern "C" const std::byte sandbox_init_program[], sandbox_init_program_end[]; // sandbox_init.S

namespace realise {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using sandbox::Message;

constexpr size_t kMaxMounts = 100'000;               // Linux: fs.mount-max
constexpr size_t kMaxArgumentBytes = 128 * 1024 - 1; // Linux: MAX_ARG_STRLEN, with the terminating NUL
constexpr auto kLookEvery = std::chrono::milliseconds{100};

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
  if (sandbox.program.contains('\0')) throw build_error("the builder's path contains a NUL byte");
  if (sandbox.mounts.size() > kMaxMounts)
    throw build_error("the sandbox would have " + std::to_string(sandbox.mounts.size()) + " mounts; at most " +
                          std::to_string(kMaxMounts) + " are possible",
                      "depend on fewer store paths, for example by putting many of them into one");
}

// --- the sandbox's root

// The folder of `inside` below `root`, made where it is missing.
store::UniqueFd parent_of(const fs::path& root, const std::string& inside, std::string& name) {
  store::UniqueFd at = store::open_file(root, O_PATH | O_DIRECTORY);
  const fs::path path{inside};
  for (const fs::path& part : path.relative_path().parent_path()) {
    const bool made = ::mkdirat(at.get(), part.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) store::throw_errno("make the folder", inside);
    if (made) // whatever the umask
      store::check_errno(::fchmodat(at.get(), part.c_str(), 0755, 0), "make the folder", inside);
    store::UniqueFd next{::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!next) store::throw_errno("open the folder", inside);
    at = std::move(next);
  }
  name = path.filename().string();
  return at;
}

void make_mount_point(const fs::path& root, const SandboxMount& mount) {
  struct stat info{};
  if (::lstat(mount.host.c_str(), &info) != 0) return; // mounting it says what is wrong
  std::string name;
  const store::UniqueFd folder = parent_of(root, mount.inside, name);
  if (S_ISDIR(info.st_mode)) {
    store::check_errno(::mkdirat(folder.get(), name.c_str(), 0755), "make the mount point", mount.inside);
  } else {
    const store::UniqueFd file{
        ::openat(folder.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0444)};
    store::check_errno(file.get(), "make the mount point", mount.inside);
  }
}

void make_root(const Sandbox& sandbox) {
  const fs::path root = sandbox.folder / "root";
  for (const fs::path& folder : {root, root / "dev", root / "proc", sandbox.folder / "store", sandbox.folder / "empty"})
    store::make_folder(folder, 0755);
  for (const SandboxSymlink& link : sandbox.symlinks) {
    std::string name;
    const store::UniqueFd folder = parent_of(root, link.inside, name);
    store::check_errno(::symlinkat(link.target.c_str(), folder.get(), name.c_str()), "make the link", link.inside);
  }
  for (const SandboxMount& mount : sandbox.mounts) make_mount_point(root, mount);
  store::check_errno(::chmod(root.c_str(), 0555), "set the mode of", root);
}

// --- what the first process is told

bool is_below(const fs::path& path, const fs::path& folder) {
  return !folder.empty() && path.string().starts_with(folder.string() + "/");
}

std::string order_text(const Sandbox& sandbox, const RunLimits& limits) {
  const sandbox::OrderHeader header{.mounts = static_cast<uint32_t>(sandbox.mounts.size()),
                                    .arguments = static_cast<uint32_t>(sandbox.args.size()),
                                    .variables = static_cast<uint32_t>(sandbox.env.size()),
                                    .shares_network = sandbox.network,
                                    .leaves_groups = sandbox.identity.uid != ::geteuid(),
                                    .memory_bytes = limits.memory_bytes,
                                    .processes = limits.processes,
                                    .descriptors = limits.descriptors,
                                    .file_bytes = limits.disk_bytes};
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  const auto add = [&](std::string_view word) { text.append(word).push_back('\0'); };
  add(fs::absolute(sandbox.folder).string());
  add(sandbox.store.string());
  add(sandbox.working_folder);
  for (const SandboxMount& mount : sandbox.mounts) {
    if (is_below(mount.host, sandbox.store))
      add(sandbox::kFromStore + mount.host.lexically_relative(sandbox.store).string());
    else
      add((mount.writable ? sandbox::kFromHostRw : sandbox::kFromHost) + fs::absolute(mount.host).string());
    add(mount.inside);
  }
  add(sandbox.program);
  for (const std::string& arg : sandbox.args) add(arg);
  for (const auto& [name, value] : sandbox.env) add(name + "=" + value);
  return text;
}

// `contents` in an anonymous file that cannot be changed.
store::UniqueFd anonymous_file(const char* name, store::Bytes contents) {
  store::UniqueFd file{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) store::throw_errno("make a file for the sandbox");
  store::write_all(file.get(), contents, name);
  store::check_errno(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
                     "seal the file", name);
  return file;
}

const store::UniqueFd& init_program() {
  static const store::UniqueFd program =
      anonymous_file("kpkg-sandbox", {sandbox_init_program, sandbox_init_program_end});
  return program;
}

void write_proc_file(pid_t process, const char* name, const std::string& text) {
  const fs::path file = fs::path{"/proc"} / std::to_string(process) / name;
  store::write_all(store::open_file(file, O_WRONLY).get(), store::as_bytes(text), file);
}

// Who uid 1000 and gid 100 are outside (user_namespaces(7)).
void give_identity(pid_t process, const HostIdentity& identity) {
  if (identity.uid == ::geteuid()) write_proc_file(process, "setgroups", "deny"); // the price of doing it without root
  write_proc_file(process, "uid_map", "1000 " + std::to_string(identity.uid) + " 1");
  write_proc_file(process, "gid_map", "100 " + std::to_string(identity.gid) + " 1");
}

// --- the disk

uint64_t free_bytes(const fs::path& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

// Says when to count what a folder takes: counting reads all of it, and the free space of the file system costs
// nothing.
class DiskWatch {
public:
  DiskWatch(const fs::path& folder, uint64_t limit) : folder_(folder), limit_(limit), free_(free_bytes(folder)) {}
  [[nodiscard]] bool passed() {
    if (limit_ == 0) return false;
    const uint64_t now_free = free_bytes(folder_);
    const bool shrunk = free_ > now_free && free_ - now_free > limit_ / 16;
    if (!shrunk && Clock::now() < next_) return false;
    const auto start = Clock::now();
    const uint64_t taken = store::disk_usage(folder_);
    next_ = Clock::now() + std::max<Clock::duration>(std::chrono::seconds{2}, 50 * (Clock::now() - start));
    free_ = now_free;
    return taken > limit_;
  }

private:
  const fs::path folder_;
  const uint64_t limit_;
  uint64_t free_;
  Clock::time_point next_ = Clock::now() + std::chrono::seconds{2};
};

// --- the run

class Run {
public:
  Run(const Sandbox& sandbox, const RunLimits& limits, const std::function<void(std::string_view)>& on_output)
      : sandbox_(sandbox), limits_(limits), on_output_(on_output), disk_(sandbox.folder, limits.disk_bytes) {}
  ~Run() { // after a failure of this side
    if (!first_ || ended_) return;
    kill();
    pollfd gone{.fd = first_.get(), .events = POLLIN, .revents = 0};
    while (::poll(&gone, 1, -1) < 0 && errno == EINTR) {
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunOutcome run() {
    start();
    while (!ended_) watch();
    static_cast<void>(child_->wait());
    drain();
    while (take_message()) {
    }
    if (failure_) std::rethrow_exception(failure_);
    return outcome();
  }

private:
  void start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
      store::throw_errno("make a socket");
    control_ = store::UniqueFd{ends[0]};
    const store::UniqueFd theirs{ends[1]};
    ::fcntl(theirs.get(), F_SETFL, 0); // it waits
    const store::UniqueFd order = anonymous_file("sandbox-order", store::as_bytes(order_text(sandbox_, limits_)));
    const store::UniqueFd filter = system_call_filter(sandbox_.network);
    store::Pipe output = store::make_pipe();
    child_.emplace(store::SpawnOptions{.program = "/proc/self/fd/" + std::to_string(sandbox::kProgramFd),
                                       .arguments = {},
                                       .descriptors = {{1, output.write.get()},
                                                       {2, output.write.get()},
                                                       {sandbox::kOrderFd, order.get()},
                                                       {sandbox::kFilterFd, filter.get()},
                                                       {sandbox::kControlFd, theirs.get()},
                                                       {sandbox::kProgramFd, init_program().get()}},
                                       .environment = std::vector<std::string>{}});
    output_ = std::move(output.read);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }

  void watch() {
    std::array<pollfd, 4> fds{pollfd{first_.get(), POLLIN, 0}, pollfd{child_->pidfd(), POLLIN, 0},
                              pollfd{output_.get(), POLLIN, 0},
                              pollfd{control_.get(), POLLIN, 0}}; // a closed one is -1, which poll passes over
    if (first_) fds[1].fd = -1;                                   // it waits for the first process
    if (::poll(fds.data(), fds.size(), static_cast<int>(kLookEvery.count())) < 0 && errno != EINTR)
      store::throw_errno("watch the sandbox");
    if (fds[2].revents != 0) take_output();
    if (fds[3].revents != 0 && !take_message()) control_.reset();
    ended_ = fds[0].revents != 0 || fds[1].revents != 0;
    const auto now = Clock::now();
    if (limits_.cancel != nullptr && limits_.cancel->load()) stop(RunOutcome::Kind::cancelled);
    if (limits_.timeout.count() > 0 && now - start_ > limits_.timeout) stop(RunOutcome::Kind::timed_out);
    if (limits_.silent_timeout.count() > 0 && now - last_output_ > limits_.silent_timeout)
      stop(RunOutcome::Kind::fell_silent);
    if (!killed_for_ && disk_.passed()) stop(RunOutcome::Kind::disk_limit);
  }

  void kill() {
    if (first_)
      ::pidfd_send_signal(first_.get(), SIGKILL, nullptr, 0);
    else
      child_->kill();
  }

  void stop(RunOutcome::Kind kind) {
    if (!killed_for_) killed_for_ = kind;
    kill();
  }

  // False where there is none.
  bool take_message() {
    Message message{};
    if (!control_ || ::recv(control_.get(), &message, sizeof message, 0) != sizeof message) return false;
    message.text[sizeof message.text - 1] = '\0';
    switch (message.kind) {
    case Message::Kind::wants_identity: give_identity(child_->pid(), sandbox_.identity); break;
    case Message::Kind::first_process:
      first_ = store::UniqueFd{::pidfd_open(message.value, 0)};
      if (!first_) store::throw_errno("watch the sandbox");
      break;
    case Message::Kind::started: return true;
    case Message::Kind::not_executed:
    case Message::Kind::failed:
    case Message::Kind::ended:
      if (!told_) told_ = message;
      return true;
    }
    const char leave = 1;
    static_cast<void>(::send(control_.get(), &leave, 1, MSG_NOSIGNAL));
    return true;
  }

  // False where there is nothing at present.
  bool take_output() {
    std::array<char, size_t{64} << 10> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): read(2) fills it
    const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EINTR;
    if (got == 0) {
      output_.reset();
      return false;
    }
    last_output_ = Clock::now();
    if (killed_for_ || failure_) return true;
    const std::string_view text{buffer.data(), static_cast<size_t>(got)};
    output_bytes_ += text.size();
    if (limits_.max_output_bytes != 0 && output_bytes_ > limits_.max_output_bytes) {
      stop(RunOutcome::Kind::output_limit);
      return true;
    }
    try {
      on_output_(text);
    } catch (...) {
      failure_ = std::current_exception();
      kill();
    }
    return true;
  }

  // What is left in the pipe; nobody writes to it any more.
  void drain() {
    while (output_ && take_output()) {
    }
  }

  [[nodiscard]] RunOutcome outcome() const {
    if (killed_for_) return {.kind = *killed_for_, .status = 0, .detail = {}};
    if (!told_)
      return {.kind = RunOutcome::Kind::not_started, .status = EINTR, .detail = "somebody killed the sandbox"};
    switch (told_->kind) {
    case Message::Kind::not_executed:
      return {.kind = RunOutcome::Kind::not_executed, .status = told_->value, .detail = {}};
    case Message::Kind::failed:
      return {.kind = RunOutcome::Kind::not_started, .status = told_->value, .detail = told_->text};
    default: break;
    }
    if (WIFSIGNALED(told_->value))
      return {.kind = RunOutcome::Kind::signalled, .status = WTERMSIG(told_->value), .detail = {}};
    return {.kind = RunOutcome::Kind::exited, .status = WEXITSTATUS(told_->value), .detail = {}};
  }

  const Sandbox& sandbox_;
  const RunLimits& limits_;
  const std::function<void(std::string_view)>& on_output_;
  DiskWatch disk_;
  store::UniqueFd control_, output_;
  std::optional<store::ChildProcess> child_; // stage 0
  store::UniqueFd first_;                    // pidfd of the sandbox's first process, once there is one
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_output_ = start_;
  uint64_t output_bytes_ = 0;
  bool ended_ = false;
  std::optional<Message> told_; // how it ended, by the sandbox's own words
  std::optional<RunOutcome::Kind> killed_for_;
  std::exception_ptr failure_;
};

// Whether this process's user namespace has the number.
bool is_mapped(uid_t number) {
  std::istringstream map{store::read_file("/proc/self/uid_map")};
  for (uint64_t inside = 0, outside = 0, count = 0; map >> inside >> outside >> count;)
    if (number >= inside && number - inside < count) return true;
  return false;
}

} // namespace

RunOutcome run_in_sandbox(const Sandbox& sandbox, const RunLimits& limits,
                          const std::function<void(std::string_view)>& on_output) {
  check_sizes(sandbox);
  make_root(sandbox);
  return Run{sandbox, limits, on_output}.run();
}

HostIdentity identity_for_slot(unsigned slot) {
  if (::geteuid() != 0) return {.uid = ::geteuid(), .gid = ::getegid()};
  constexpr uid_t kFirst = 872'415'232, kSmall = 65'533; // below nobody, where a namespace has only so many
  const uid_t wanted = is_mapped(kFirst + slot) ? kFirst + slot : kSmall - slot;
  return {.uid = wanted, .gid = wanted};
}

} // namespace realise
