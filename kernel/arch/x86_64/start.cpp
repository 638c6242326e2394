// The first C++ function. Before any code that may look at a thread-local variable or the stack protector's canary
// (fs:0x28, which prebuilt libraries read), this processor's thread block must exist.
//
// Thread block (x86-64 TLS variant II): the PT_TLS image ends at the thread pointer, rounded up to its alignment; at
// the thread pointer lies a pointer to itself, and 0x28 bytes further the canary.
#include "kernel/arch/x86_64/start.hpp"
#include "kernel/arch/x86_64/cpu.hpp"

extern "C" const char tls_begin[];
extern "C" const char tls_data_size[]; // values, given as addresses by the linker
extern "C" const char tls_total_size[];

namespace kernel::arch {
namespace {

constexpr uint64_t kTlsAlign = 64;
constexpr uint64_t kThreadBlockSize = 8192;
struct ThreadControl {
  void* self;
  uint64_t reserved[4];
  uint64_t canary;
};
static_assert(__builtin_offsetof(ThreadControl, canary) == 0x28);
alignas(kTlsAlign) char thread_block[kThreadBlockSize];

uint64_t random_or_time() {
  uint64_t value = 0;
  unsigned char ok = 0;
  if ((cpuid(1).ecx >> 30 & 1) != 0) {
    for (int i = 0; i < 16 && !ok; ++i) asm volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok));
  }
  return ok ? value : read_tsc() * 0x9e3779b97f4a7c15;
}

} // namespace

bool set_up_thread_block() {
  const auto data_size = reinterpret_cast<uint64_t>(tls_data_size);
  const auto total_size = (reinterpret_cast<uint64_t>(tls_total_size) + kTlsAlign - 1) & ~(kTlsAlign - 1);
  if (total_size + sizeof(ThreadControl) > kThreadBlockSize) return false;
  for (uint64_t i = 0; i < data_size; ++i) thread_block[i] = tls_begin[i];
  auto* control = reinterpret_cast<ThreadControl*>(thread_block + total_size);
  control->self = control;
  control->canary = random_or_time() & ~uint64_t{0xff}; // a zero byte stops string overruns from copying it
  write_msr(kMsrFsBase, reinterpret_cast<uint64_t>(control));
  return true;
}

} // namespace kernel::arch

extern "C" [[noreturn]] void kernel_start(uint32_t protocol, uint64_t information) {
  if (!kernel::arch::set_up_thread_block()) kernel::arch::halt_forever();
  kernel::kernel_main(protocol, information);
}
