// Rules compare whole 64-bit arguments where the kernel looks at 32 bits: flags are tested under a mask, and numbers of
// address families by what is allowed, so that upper bits change nothing.
#include "derivations/realise/system_call_filter.hpp"
#include "derivations/realise/build_error.hpp"
#include "store/posix/system_error.hpp"
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace realise {
namespace {

// As if the machine did not let this user do it.
constexpr std::array kForbidden{
    // keys of the user's session
    "keyctl", "add_key", "request_key",
    // what is mounted where
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "setns", "quotactl", "quotactl_fd", "swapon", "swapoff",
    // programs in the kernel, and looking into it
    "bpf", "perf_event_open", "userfaultfd", "syslog", "lookup_dcookie", "kcmp", "fanotify_init",
    // other processes' memory
    "process_vm_readv", "process_vm_writev", "pidfd_getfd", "move_pages", "migrate_pages",
    // files by something else than a path that can be seen
    "open_by_handle_at", "name_to_handle_at",
    // the machine
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot", "acct",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm", "modify_ldt", "vhangup",
    "nfsservctl", "sethostname", "setdomainname", "uselib", "vm86", "vm86old"};

// As if the kernel did not have it: programs then take the older way, whose arguments can be looked at.
constexpr std::array kUnknown{"clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register"};

constexpr std::array<uint64_t, 8> kNamespaces{CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                              CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET, 0x80 /* CLONE_NEWTIME */};

constexpr int kFchmodat2 = 452; // newer than the library

class Filter {
public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ALLOW)) {
    if (!context_) throw build_error("the system-call filter of the sandbox cannot be made");
  }

  void refuse(int error, const char* call, std::initializer_list<scmp_arg_cmp> where = {}) {
    const int number = ::seccomp_syscall_resolve_name(call);
    if (number != __NR_SCMP_ERROR) refuse(error, number, where); // unknown to the library: the kernel has it no longer
  }
  void refuse(int error, int number, std::initializer_list<scmp_arg_cmp> where = {}) {
    const int failure = ::seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), number,
                                                 static_cast<unsigned>(where.size()), where.begin());
    if (failure < 0) store::throw_errno("make a rule of the system-call filter", -failure);
  }

  [[nodiscard]] store::UniqueFd program() const {
    store::UniqueFd file{::memfd_create("system-call-filter", MFD_CLOEXEC)};
    if (!file) store::throw_errno("make a file for the system-call filter");
    if (const int failure = ::seccomp_export_bpf(context_.get(), file.get()); failure < 0)
      store::throw_errno("write the system-call filter", -failure);
    return file;
  }

private:
  struct Release {
    void operator()(void* context) const { ::seccomp_release(context); }
  };
  std::unique_ptr<void, Release> context_;
};

scmp_arg_cmp has(unsigned argument, uint64_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, bits}; }
scmp_arg_cmp is(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// Files that would run as somebody else.
void refuse_set_id_bits(Filter& filter) {
  for (const uint64_t bit : {uint64_t{S_ISUID}, uint64_t{S_ISGID}}) {
    filter.refuse(EPERM, "chmod", {has(1, bit)});
    filter.refuse(EPERM, "fchmod", {has(1, bit)});
    filter.refuse(EPERM, "fchmodat", {has(2, bit)});
    filter.refuse(EPERM, kFchmodat2, {has(2, bit)});
    filter.refuse(EPERM, "creat", {has(1, bit)});
    filter.refuse(EPERM, "mknod", {has(1, bit)});
    filter.refuse(EPERM, "mknodat", {has(2, bit)});
    for (const uint64_t creates : {uint64_t{O_CREAT}, uint64_t{O_TMPFILE & ~O_DIRECTORY}}) {
      filter.refuse(EPERM, "open", {has(1, creates), has(2, bit)});
      filter.refuse(EPERM, "openat", {has(2, creates), has(3, bit)});
    }
  }
}

void refuse_devices(Filter& filter) {
  for (const uint64_t type : {uint64_t{S_IFCHR}, uint64_t{S_IFBLK}}) {
    filter.refuse(EPERM, "mknod", {is(1, S_IFMT, type)});
    filter.refuse(EPERM, "mknodat", {is(2, S_IFMT, type)});
  }
}

void refuse_sockets(Filter& filter, bool shares_network) {
  constexpr unsigned kFamilies = 64; // more than there are
  for (unsigned family = 0; family < kFamilies; ++family) {
    const bool common = family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
    if (!common && (family != AF_UNIX || shares_network))
      filter.refuse(EAFNOSUPPORT, "socket", {{0, SCMP_CMP_EQ, family, 0}});
  }
  filter.refuse(EAFNOSUPPORT, "socket", {{0, SCMP_CMP_GE, kFamilies, 0}});
  if (!shares_network) return;
  // One half of such a pair can send to any address.
  for (const uint64_t type : {uint64_t{SOCK_DGRAM}, uint64_t{SOCK_RAW}, uint64_t{SOCK_SEQPACKET}})
    filter.refuse(EPROTONOSUPPORT, "socketpair", {is(1, 0xf, type)});
}

} // namespace

store::UniqueFd system_call_filter(bool shares_network) {
  Filter filter;
  for (const char* call : kForbidden) filter.refuse(EPERM, call);
  for (const char* call : kUnknown) filter.refuse(ENOSYS, call);
  for (const uint64_t space : kNamespaces) {
    // In clone(2) the lowest byte is a signal: a time namespace cannot be asked for there.
    if (space > 0xff) filter.refuse(EPERM, "clone", {has(0, space)});
    filter.refuse(EPERM, "unshare", {has(0, space)});
  }
  // A process may let its parent trace it; it may not choose whom to trace.
  filter.refuse(EPERM, "ptrace", {{0, SCMP_CMP_NE, PTRACE_TRACEME, 0}});
  // Input typed into a terminal that somebody else reads.
  for (const uint64_t request : {uint64_t{TIOCSTI}, uint64_t{TIOCLINUX}})
    filter.refuse(EPERM, "ioctl", {is(1, 0xffffffff, request)});
  refuse_set_id_bits(filter);
  refuse_devices(filter);
  refuse_sockets(filter, shares_network);
  return filter.program();
}

} // namespace realise
