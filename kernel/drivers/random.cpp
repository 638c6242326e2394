#include "kernel/drivers/random.hpp"
#include "kernel/arch/x86_64/cpu.hpp"
#include <cstring>

namespace kernel {

bool random_bytes(std::span<std::byte> out) {
  if ((arch::cpuid(1).ecx >> 30 & 1) == 0) return false;
  while (!out.empty()) {
    uint64_t value = 0;
    unsigned char ok = 0;
    for (int i = 0; i < 10 && !ok; ++i) asm volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok));
    if (!ok) return false;
    const size_t count = out.size() < sizeof value ? out.size() : sizeof value;
    std::memcpy(out.data(), &value, count);
    out = out.subspan(count);
  }
  return true;
}

} // namespace kernel
