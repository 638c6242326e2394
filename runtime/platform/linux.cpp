// The port layer on Linux (x86-64).
//
// Address space comes from mmap(PROT_NONE, MAP_NORESERVE) and is committed by mprotect, so that a guest's memory costs
// nothing until it is touched. Code is one memfd mapped twice: a writable view until seal_code and an executable one;
// no page is ever both. Faults arrive as SIGSEGV, SIGBUS, SIGILL or SIGFPE on an alternate stack; those whose pc lies
// in sealed code are given to the engine, all others go to whoever had the signal before (AddressSanitizer, libFuzzer,
// or the default that ends the process with a core), as if this file did not exist.
#include "runtime/platform/platform.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <pthread.h>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the signal handler reads x86-64 registers"
#endif

namespace runtime::platform {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kHostStackReserveBytes = 256 * 1024; // below guest_stack_limit: for host functions and libcalls
constexpr size_t kSignalStackBytes = 64 * 1024;

Error refused(const char* what, size_t size_bytes) {
  const int code = errno;
  return {.kind = ErrorKind::resource,
          .message = std::string(what) + " of " + std::to_string(size_bytes) + " bytes failed: " + std::strerror(code)};
}

// Sealed code ranges. Written under a mutex, read by the signal handler without one: nodes are only ever added to the
// list and reused, never freed, and an empty range (end 0) matches no pc. A thread that runs code of a range keeps that
// range mapped, so the node it must find does not change under it.
struct CodeRangeNode {
  std::atomic<uintptr_t> begin = 0, end = 0;
  CodeRangeNode* next = nullptr;
};
std::atomic<CodeRangeNode*> g_code_ranges = nullptr;
std::mutex g_code_ranges_mutex;

void register_code(uintptr_t begin, uintptr_t end) {
  const std::scoped_lock lock(g_code_ranges_mutex);
  CodeRangeNode* head = g_code_ranges.load(std::memory_order_relaxed);
  CodeRangeNode* node = head;
  while (node != nullptr && node->end.load(std::memory_order_relaxed) != 0) node = node->next;
  const bool fresh = node == nullptr;
  if (fresh) {
    node = new CodeRangeNode;
    node->next = head;
  }
  node->begin.store(begin, std::memory_order_relaxed);
  node->end.store(end, std::memory_order_release);
  if (fresh) g_code_ranges.store(node, std::memory_order_release);
}

void unregister_code(uintptr_t begin) {
  const std::scoped_lock lock(g_code_ranges_mutex);
  for (CodeRangeNode* node = g_code_ranges.load(std::memory_order_relaxed); node != nullptr; node = node->next)
    if (node->end.load(std::memory_order_relaxed) != 0 && node->begin.load(std::memory_order_relaxed) == begin)
      node->end.store(0, std::memory_order_release);
}

bool in_sealed_code(uintptr_t pc) {
  for (const CodeRangeNode* node = g_code_ranges.load(std::memory_order_acquire); node != nullptr; node = node->next) {
    const uintptr_t end = node->end.load(std::memory_order_acquire);
    if (pc < end && pc >= node->begin.load(std::memory_order_relaxed)) return true;
  }
  return false;
}

std::atomic<FaultHandler> g_fault_handler = nullptr;

constexpr int kFaultSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
struct sigaction g_previous[std::size(kFaultSignals)];

// Hands a fault that is not ours to the handler that was there before. The default action cannot be called: it is put
// back, and the faulting instruction runs into it again.
void forward_fault(int signal, siginfo_t* info, void* context) {
  size_t which = 0;
  while (kFaultSignals[which] != signal) ++which;
  const struct sigaction& previous = g_previous[which];
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    struct sigaction fallback = {};
    fallback.sa_handler = SIG_DFL;
    sigaction(signal, &fallback, nullptr);
    if (info->si_code <= 0) raise(signal); // sent by kill(): nothing will fault again
  } else {
    previous.sa_handler(signal);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto pc = static_cast<uintptr_t>(registers[REG_RIP]);
  const FaultHandler handler = g_fault_handler.load(std::memory_order_relaxed);
  if (info->si_code > 0 && handler != nullptr && in_sealed_code(pc)) {
    Fault fault{
        .kind = signal == SIGILL   ? FaultKind::illegal_instruction
                : signal == SIGFPE ? FaultKind::arithmetic
                                   : FaultKind::memory_access,
        .pc = pc,
        .sp = static_cast<uintptr_t>(registers[REG_RSP]),
        .fp = static_cast<uintptr_t>(registers[REG_RBP]),
        .address = reinterpret_cast<uintptr_t>(info->si_addr),
        .result = static_cast<uint64_t>(registers[REG_RAX]),
    };
    if (handler(fault)) {
      registers[REG_RIP] = static_cast<greg_t>(fault.pc);
      registers[REG_RSP] = static_cast<greg_t>(fault.sp);
      registers[REG_RBP] = static_cast<greg_t>(fault.fp);
      registers[REG_RAX] = static_cast<greg_t>(fault.result);
      registers[REG_EFL] &= ~greg_t{0x400}; // the C++ side expects the direction flag clear
      errno = saved_errno;
      return;
    }
  }
  forward_fault(signal, info, context);
  errno = saved_errno;
}

// The signal stack of a thread that had none.
class SignalStack {
public:
  ~SignalStack() {
    if (memory_ == nullptr) return;
    stack_t off = {};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
    munmap(memory_, kPageBytes + kSignalStackBytes);
  }
  Result<void> prepare() {
    if (ready_) return {};
    stack_t current = {};
    sigaltstack(nullptr, &current);
    if ((current.ss_flags & SS_DISABLE) != 0) { // a sanitizer's own stack stays
      void* memory = mmap(nullptr, kPageBytes + kSignalStackBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return std::unexpected(refused("mapping a signal stack", kSignalStackBytes));
      stack_t wanted = {};
      wanted.ss_sp = static_cast<char*>(memory) + kPageBytes; // the first page stays a guard
      wanted.ss_size = kSignalStackBytes;
      if (mprotect(wanted.ss_sp, kSignalStackBytes, PROT_READ | PROT_WRITE) != 0 ||
          sigaltstack(&wanted, nullptr) != 0) {
        const Error error = refused("installing a signal stack", kSignalStackBytes);
        munmap(memory, kPageBytes + kSignalStackBytes);
        return std::unexpected(error);
      }
      memory_ = memory;
    }
    ready_ = true;
    return {};
  }

private:
  bool ready_ = false;
  void* memory_ = nullptr;
};
thread_local SignalStack t_signal_stack;
thread_local constinit bool t_prepared = false;
thread_local constinit uintptr_t t_guest_stack_limit = 0;

uint64_t clock_ns(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace

size_t page_size_bytes() { return kPageBytes; }

Result<std::byte*> reserve(size_t size_bytes) {
  void* address = mmap(nullptr, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return std::unexpected(refused("reserving address space", size_bytes));
  return static_cast<std::byte*>(address);
}

Result<void> commit(std::byte* address, size_t size_bytes) {
  if (size_bytes != 0 && mprotect(address, size_bytes, PROT_READ | PROT_WRITE) != 0)
    return std::unexpected(refused("committing memory", size_bytes));
  return {};
}

void decommit(std::byte* address, size_t size_bytes) {
  if (size_bytes == 0) return;
  // A fresh mapping in place: drops the pages and the permission in one step, and merges with its reserved neighbours.
  mmap(address, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void release(std::byte* address, size_t size_bytes) { munmap(address, size_bytes); }

Result<CodeMapping> map_code(size_t size_bytes) {
  // MFD_EXEC says that this is meant, where vm.memfd_noexec asks; older kernels do not know the flag.
  constexpr unsigned kMemfdExec = 0x10;
  int file = memfd_create("kpkg-code", MFD_CLOEXEC | kMemfdExec);
  if (file < 0 && errno == EINVAL) file = memfd_create("kpkg-code", MFD_CLOEXEC);
  if (file < 0) return std::unexpected(refused("creating code memory", size_bytes));
  CodeMapping mapping{.size_bytes = size_bytes};
  void* writable = MAP_FAILED;
  void* executable = MAP_FAILED;
  if (ftruncate(file, static_cast<off_t>(size_bytes)) == 0)
    writable = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (writable != MAP_FAILED) executable = mmap(nullptr, size_bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  if (executable == MAP_FAILED) {
    const Error error = refused("mapping code memory", size_bytes);
    if (writable != MAP_FAILED) munmap(writable, size_bytes);
    close(file);
    return std::unexpected(error);
  }
  close(file);
  mapping.writable = static_cast<std::byte*>(writable);
  mapping.executable = static_cast<std::byte*>(executable);
  return mapping;
}

void seal_code(CodeMapping& mapping) {
  if (mapping.writable == nullptr) return;
  munmap(mapping.writable, mapping.size_bytes);
  mapping.writable = nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(mapping.executable);
  register_code(begin, begin + mapping.size_bytes);
}

void unmap_code(CodeMapping& mapping) {
  if (mapping.writable != nullptr) munmap(mapping.writable, mapping.size_bytes);
  if (mapping.executable != nullptr) {
    unregister_code(reinterpret_cast<uintptr_t>(mapping.executable));
    munmap(mapping.executable, mapping.size_bytes);
  }
  mapping = {};
}

void set_fault_handler(FaultHandler handler) {
  if (g_fault_handler.exchange(handler) != nullptr) return; // the signals are installed already
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < std::size(kFaultSignals); ++i) sigaction(kFaultSignals[i], &action, &g_previous[i]);
}

Result<void> prepare_thread() {
  if (t_prepared) return {};
  TRY_VOID(t_signal_stack.prepare());
  t_prepared = true;
  return {};
}

uintptr_t guest_stack_limit() {
  if (t_guest_stack_limit != 0) return t_guest_stack_limit;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) { // assume what every thread has: half a megabyte
    t_guest_stack_limit = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - kHostStackReserveBytes;
    return t_guest_stack_limit;
  }
  void* lowest = nullptr;
  size_t size = 0, guard = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);
  // The main thread's stack may be «unlimited»; then the guest gets a gigabyte, not the whole address space.
  constexpr size_t kMostBytes = size_t{1} << 30;
  auto bottom = reinterpret_cast<uintptr_t>(lowest) + guard;
  const uintptr_t top = reinterpret_cast<uintptr_t>(lowest) + size;
  if (top - bottom > kMostBytes) bottom = top - kMostBytes;
  const size_t reserve = kHostStackReserveBytes < (top - bottom) / 2 ? kHostStackReserveBytes : (top - bottom) / 2;
  t_guest_stack_limit = bottom + reserve;
  return t_guest_stack_limit;
}

uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
uint64_t realtime_ns() { return clock_ns(CLOCK_REALTIME); }

void idle_until(uint64_t monotonic_deadline_ns) {
  const timespec deadline = {.tv_sec = static_cast<time_t>(monotonic_deadline_ns / 1'000'000'000),
                             .tv_nsec = static_cast<long>(monotonic_deadline_ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
}

void random_bytes(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) abort(); // no kernel this runs on lacks it, and predictable bytes would be worse than an end
    out = out.subspan(static_cast<size_t>(got));
  }
}

Result<size_t> write_stream(Stream stream, std::span<const std::byte> data) {
  for (;;) {
    const ssize_t written = write(static_cast<int>(stream), data.data(), data.size());
    if (written >= 0) return static_cast<size_t>(written);
    if (errno != EINTR) return std::unexpected(refused("a write", data.size()));
  }
}

Result<size_t> read_stream(std::span<std::byte> data) {
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, data.data(), data.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return std::unexpected(refused("a read", data.size()));
  }
}

} // namespace runtime::platform
