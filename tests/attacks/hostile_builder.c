/* What a builder that means harm tries. Prints a line for each attempt: its name, and how it ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char* what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done");
}

static long connect_to(const char* abstract_name, int type, int pair) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path + 1, abstract_name);
  const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract_name));
  int fds[2];
  if (pair) {
    if (socketpair(AF_UNIX, type, 0, fds) < 0) return -1;
    return sendto(fds[0], "x", 1, 0, (struct sockaddr*)&address, length);
  }
  fds[0] = socket(AF_UNIX, type, 0);
  return fds[0] < 0 ? -1 : connect(fds[0], (struct sockaddr*)&address, length);
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc > 1) { /* the names of the host's abstract sockets: stream, datagram */
    tell("connect to an abstract socket", connect_to(argv[1], SOCK_STREAM, 0));
    tell("send to an abstract socket", connect_to(argv[2], SOCK_DGRAM, 0));
    tell("send through one half of a pair", connect_to(argv[2], SOCK_DGRAM, 1));
    tell("vsock", socket(40, SOCK_STREAM, 0));
    tell("unix with upper bits", syscall(SYS_socket, 0x100000001L, SOCK_STREAM, 0));
    return 0;
  }
  tell("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
  tell("add_key", syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_PROCESS_KEYRING));
  tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
  tell("unshare", unshare(CLONE_NEWUSER));
  tell("clone3", syscall(SYS_clone3, NULL, 0));
  tell("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  tell("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
  tell("userfaultfd", syscall(SYS_userfaultfd, 0));
  tell("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
  tell("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
  tell("trace the first process", ptrace(PTRACE_ATTACH, 1, 0, 0));
  tell("its memory", open("/proc/1/mem", O_RDWR));
  tell("its descriptors", open("/proc/1/fd/5", O_RDWR));
  tell("its root", open("/proc/1/root/store", O_RDONLY));
  tell("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  tell("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
  close(open("file", O_WRONLY | O_CREAT, 0755));
  tell("chmod", chmod("file", 04755));
  tell("fchmodat", fchmodat(AT_FDCWD, "file", 02755, 0));
  tell("fchmodat2", syscall(452, AT_FDCWD, "file", 04755, 0));
  tell("create set-uid", open("other", O_WRONLY | O_CREAT, 04755));
  tell("unnamed set-uid", open(".", O_WRONLY | O_TMPFILE, 04755));
  tell("mknod", mknod("device", S_IFCHR | 0600, 0));
  tell("type into a terminal", ioctl(1, TIOCSTI, "x"));
  tell("leave the root", chroot("/build"));
  tell("set the host's name", sethostname("x", 1));
  return 0;
}
