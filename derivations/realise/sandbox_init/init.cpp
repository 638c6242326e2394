// The first processes of a sandbox. This program is part of kpkg, which starts it from memory: it is static, so that it
// needs no file of the sandbox, and uses nothing that could fail half-way but system calls.
//
//   kpkg ── stage 0: new user namespace, in which kpkg writes who we are; then all other namespaces
//             └─ stage 1: process 1 of the sandbox. Mounts, limits, then
//                  └─ the builder; stage 1 reaps, tells how the builder ended, and ends: the kernel kills the rest
//
// Path look-ups that need the right to enter the user's folders come before the change of identity; all later ones
// start at descriptors opened then.
#include "derivations/realise/sandbox_init/protocol.hpp"
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <initializer_list>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace realise::sandbox;

constexpr uid_t kUid = 1000;
constexpr gid_t kGid = 100;

// --- talking to kpkg

void send(Message::Kind kind, int value = 0, const char* text = "") {
  Message message{.kind = kind, .value = value, .text = {}};
  std::strncpy(message.text, text, sizeof message.text - 1);
  (void)!::send(kControlFd, &message, sizeof message, MSG_NOSIGNAL);
}

[[noreturn]] void fail(const char* step) {
  send(Message::Kind::failed, errno, step);
  ::_exit(1);
}

template <class Int> Int need(Int result, const char* step) {
  if (result < 0) fail(step);
  return result;
}

void wait_for_leave() {
  char byte;
  ssize_t got;
  while ((got = ::recv(kControlFd, &byte, 1, 0)) < 0 && errno == EINTR) {
  }
  if (got != 1) ::_exit(1); // kpkg is gone
}

// Dies with whoever started this process.
void die_with_parent() {
  need(::prctl(PR_SET_PDEATHSIG, SIGKILL), "be bound to kpkg's life");
  pollfd control{.fd = kControlFd, .events = POLLIN, .revents = 0}; // it may have died before
  if (::poll(&control, 1, 0) > 0 && (control.revents & POLLHUP) != 0) ::_exit(1);
}

// --- the order

struct Order {
  const OrderHeader* header;
  const char* folder;
  const char* store;
  const char* working_folder;
  const char* mounts; // the first mount's source
  char** program;     // argv: program and arguments, null
  char** environment;

  static char* next(char*& at) {
    char* text = at;
    at += std::strlen(at) + 1;
    return text;
  }
};

Order read_order() {
  struct stat info{};
  need(::fstat(kOrderFd, &info), "read the order");
  void* memory = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE, MAP_PRIVATE, kOrderFd, 0);
  if (memory == MAP_FAILED) fail("read the order");
  Order order{.header = static_cast<const OrderHeader*>(memory)};
  char* at = static_cast<char*>(memory) + sizeof(OrderHeader);
  order.folder = Order::next(at);
  order.store = Order::next(at);
  order.working_folder = Order::next(at);
  order.mounts = at;
  for (uint32_t i = 0; i < 2 * order.header->mounts; ++i) Order::next(at);
  const size_t arguments = order.header->arguments + size_t{1}, variables = order.header->variables;
  order.program = static_cast<char**>(std::calloc(arguments + 1, sizeof(char*)));
  order.environment = static_cast<char**>(std::calloc(variables + 1, sizeof(char*)));
  if (order.program == nullptr || order.environment == nullptr) fail("read the order");
  for (size_t i = 0; i < arguments; ++i) order.program[i] = Order::next(at);
  for (size_t i = 0; i < variables; ++i) order.environment[i] = Order::next(at);
  return order;
}

// --- mounts

// A detached copy of the mount at `path`, with more attributes than it has.
int clone_mount(int folder, const char* path, uint64_t attributes, const char* step) {
  const int fd = need(::open_tree(folder, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW), step);
  mount_attr attr{};
  attr.attr_set = attributes;
  need(::mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr), step);
  return fd;
}

void attach(int mount, int folder, const char* path, const char* step) {
  need(::move_mount(mount, "", folder, path, MOVE_MOUNT_F_EMPTY_PATH), step);
  ::close(mount);
}

constexpr uint64_t kNoPrivileges = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

int open_place(int folder, const char* path, const char* step) {
  return need(::openat(folder, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), step);
}

// The whole store, read-only and without a trace of where it lies, at `folder`/store: an overlay that was told the
// store as "." and an empty folder by a descriptor. -1 where the kernel does not let users make overlays.
int mount_store(int store, int folder) {
  const int empty = open_place(folder, "empty", "open the build folder");
  char options[64] = "lowerdir=.:/proc/self/fd/", target[32] = "/proc/self/fd/";
  const int place = open_place(folder, "store", "open the build folder");
  const auto append_number = [](char* text, int number) {
    char digits[12];
    size_t count = 0;
    do digits[count++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    char* end = text + std::strlen(text);
    while (count > 0) *end++ = digits[--count];
    *end = '\0';
  };
  append_number(options, empty);
  append_number(target, place);
  need(::fchdir(store), "enter the store");
  const bool mounted = ::mount("overlay", target, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0;
  ::close(empty);
  ::close(place);
  return mounted ? open_place(folder, "store", "open the overlay") : -1;
}

struct Places {
  int folder; // the build folder, as a mount of its own
  int root;   // its `root`
  int store;  // where the store is read: the overlay, or the store itself
};

void mount_inputs(const Order& order, const Places& places) {
  char* at = const_cast<char*>(order.mounts);
  for (uint32_t i = 0; i < order.header->mounts; ++i) {
    const char* source = Order::next(at);
    const char* inside = Order::next(at);
    const bool writable = source[0] == kFromHostRw;
    const int mount = clone_mount(source[0] == kFromStore ? places.store : AT_FDCWD, source + 1,
                                  kNoPrivileges | (writable ? 0 : MOUNT_ATTR_RDONLY), source + 1);
    attach(mount, places.root, inside + 1, inside);
  }
}

int make_file(int folder, const char* name) {
  return need(::openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444), "make a device's place");
}

void mount_devices(const Places& places) {
  need(::fchdir(places.root), "enter the root");
  need(::mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1g,nr_inodes=65536"), "mount /dev");
  const int dev = open_place(places.root, "dev", "open /dev");
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    char host[32] = "/dev/";
    std::strcat(host, name);
    ::close(make_file(dev, name));
    attach(clone_mount(AT_FDCWD, host, MOUNT_ATTR_NOSUID, host), dev, name, host);
  }
  constexpr const char* kLinks[][2] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
                                       {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
                                       {"core", "/proc/kcore"},       {"ptmx", "pts/ptmx"}};
  for (const auto& [name, target] : kLinks) need(::symlinkat(target, dev, name), "make a link in /dev");
  need(::mkdirat(dev, "shm", 01777), "make /dev/shm");
  need(::fchmodat(dev, "shm", 01777, 0), "make /dev/shm");
  need(::mkdirat(dev, "pts", 0755), "make /dev/pts");
  need(::fchdir(dev), "enter /dev");
  need(::mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"),
       "mount /dev/pts");
  ::close(dev);
}

// What /proc shows of the whole machine: its controls are read-only, its memory and keys are not there.
void mount_processes(const Places& places) {
  need(::fchdir(places.root), "enter the root");
  need(::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mount /proc");
  const int proc = open_place(places.root, "proc", "open /proc");
  for (const char* name : {"sys", "sysrq-trigger", "irq", "bus", "fs"}) {
    if (::faccessat(proc, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0) continue;
    attach(clone_mount(proc, name, kNoPrivileges | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, name), proc, name, name);
  }
  for (const char* name :
       {"kcore", "keys", "key-users", "kmsg", "timer_list", "sched_debug", "latency_stats", "kallsyms", "kpagecount",
        "kpageflags", "kpagecgroup", "vmallocinfo", "slabinfo", "modules"}) {
    if (::faccessat(proc, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0) continue;
    attach(clone_mount(AT_FDCWD, "/dev/null", kNoPrivileges, name), proc, name, name);
  }
  for (const char* name : {"acpi", "scsi"}) {
    if (::faccessat(proc, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0) continue;
    need(::fchdir(proc), "enter /proc");
    need(::mount("tmpfs", name, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k"), name);
  }
  ::close(proc);
}

// The build folder becomes the root of the mounts, and its `root` the root of this process: what is mounted beside it
// cannot be reached, and is in no list of mounts.
void enter_root(const Places& places) {
  need(::fchdir(places.folder), "enter the build folder");
  need(::syscall(SYS_pivot_root, ".", "."), "change the root");
  need(::umount2(".", MNT_DETACH), "leave the host's root");
  need(::fchdir(places.root), "enter the root");
  need(::chroot("."), "change the root");
}

// --- who we are, and what we may

void take_identity(const Order& order) {
  if (order.header->leaves_groups != 0) need(::setgroups(0, nullptr), "leave the groups");
  need(::setresgid(kGid, kGid, kGid), "take the group");
  need(::setresuid(kUid, kUid, kUid), "take the user");
}

void bring_up_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return; // a kernel without a network has no loopback either
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  need(::ioctl(fd, SIOCSIFFLAGS, &request), "bring up the loopback");
  ::close(fd);
}

void limit(int resource, uint64_t value) {
  rlimit current{};
  need(::getrlimit(static_cast<__rlimit_resource_t>(resource), &current), "look at a limit");
  const rlim_t most = value < current.rlim_max ? value : current.rlim_max;
  const rlimit wanted{.rlim_cur = most, .rlim_max = most};
  need(::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted), "set a limit");
}

void set_limits(const OrderHeader& header) {
  limit(RLIMIT_CORE, 0);
  if (header.memory_bytes != 0) limit(RLIMIT_DATA, header.memory_bytes);
  if (header.processes != 0) limit(RLIMIT_NPROC, header.processes);
  if (header.descriptors != 0) limit(RLIMIT_NOFILE, header.descriptors);
  if (header.file_bytes != 0) limit(RLIMIT_FSIZE, header.file_bytes);
}

void drop_privileges() {
  need(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "refuse new privileges");
  need(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "drop capabilities");
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    need(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "drop capabilities");
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[2]{};
  need(::syscall(SYS_capset, &header, none), "drop capabilities");
}

void load_filter() {
  struct stat info{};
  need(::fstat(kFilterFd, &info), "read the system-call filter");
  auto* code = static_cast<sock_filter*>(
      ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, kFilterFd, 0));
  if (code == MAP_FAILED) fail("read the system-call filter");
  const sock_fprog program{.len = static_cast<unsigned short>(static_cast<size_t>(info.st_size) / sizeof(sock_filter)),
                           .filter = code};
  need(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), "load the system-call filter");
}

// --- the stages

[[noreturn]] void become_builder(const Order& order, int executed) {
  need(::setsid(), "make a session");
  if (::chdir(order.working_folder) != 0) fail(order.working_folder);
  need(::syscall(SYS_close_range, 3u, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */), "close descriptors");
  drop_privileges();
  load_filter();
  ::execve(order.program[0], order.program, order.environment);
  const int error = errno;
  (void)!::write(executed, &error, sizeof error);
  ::_exit(127);
}

// The program's wait status; whatever else ends is reaped.
int wait_for(pid_t builder) {
  int status = 0;
  for (pid_t ended; (ended = ::waitpid(-1, &status, 0)) != builder;)
    if (ended < 0 && errno != EINTR) fail("wait for the builder");
  return status;
}

[[noreturn]] void first_process(const Order& order) {
  die_with_parent();
  need(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "part the mounts from the host's");
  const int store = order.store[0] == '\0' ? -1 : open_place(AT_FDCWD, order.store, "open the store");
  const int folder = clone_mount(AT_FDCWD, order.folder, kNoPrivileges, "open the build folder");
  need(::move_mount(folder, "", AT_FDCWD, order.folder, MOVE_MOUNT_F_EMPTY_PATH), "mount the build folder");
  take_identity(order);
  die_with_parent(); // the change of identity has forgotten it

  Places places{.folder = folder, .root = open_place(folder, "root", "open the root"), .store = store};
  if (store >= 0)
    if (const int overlay = mount_store(store, folder); overlay >= 0) places.store = overlay;
  mount_inputs(order, places);
  mount_devices(places);
  mount_processes(places);
  enter_root(places);

  constexpr const char* kHost = "localhost";
  need(::sethostname(kHost, std::strlen(kHost)), "set the host's name");
  need(::setdomainname("(none)", 6), "set the domain's name");
  if (order.header->shares_network == 0) bring_up_loopback();
  (void)::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); // without keys in the kernel there are none to see
  ::umask(022);
  set_limits(*order.header);
  need(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "be closed to the builder"); // else it could use our descriptors

  int executed[2];
  need(::pipe2(executed, O_CLOEXEC), "make a pipe");
  const pid_t builder = need(::fork(), "start the builder");
  if (builder == 0) become_builder(order, executed[1]);
  ::close(executed[1]);
  drop_privileges();
  int error = 0;
  if (::read(executed[0], &error, sizeof error) == sizeof error) {
    send(Message::Kind::not_executed, error);
    ::_exit(1);
  }
  send(Message::Kind::started);
  ::close(0);
  ::close(1);
  ::close(2);
  send(Message::Kind::ended, wait_for(builder));
  ::_exit(0);
}

} // namespace

int main() {
  ::fcntl(kProgramFd, F_SETFD, FD_CLOEXEC);
  const Order order = read_order();
  die_with_parent();
  need(::unshare(CLONE_NEWUSER), "make a user namespace");
  need(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "be open to kpkg"); // which writes our files in /proc
  die_with_parent();
  send(Message::Kind::wants_identity);
  wait_for_leave();
  need(::unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
                 (order.header->shares_network != 0 ? 0 : CLONE_NEWNET)),
       "make namespaces");
  const pid_t first = need(::fork(), "start the first process");
  if (first == 0) first_process(order);
  send(Message::Kind::first_process, first);
  wait_for_leave();
  int status = 0;
  while (::waitpid(first, &status, 0) < 0 && errno == EINTR) {
  }
  return 0;
}
