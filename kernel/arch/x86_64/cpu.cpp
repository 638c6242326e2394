// Processor features, switched on where CPUID names them. SSE is on since entry.S: this code may use it.
// SMEP and SMAP: the kernel maps nothing as a user page, so that both only ever catch mistakes. (Intel SDM
// 3, 2.5, 4.6.)
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/ports.hpp"
#include "kernel/arch/x86_64/instructions.hpp"

namespace kernel::arch {
namespace {

bool has_rdrand() { return (cpuid(1).ecx >> 30 & 1) != 0; }

} // namespace

constinit const std::string_view kProcessorName = "x86-64";

void halt() {
  for (;;) asm volatile("cli; hlt" ::: "memory");
}
void enable_interrupts() { asm volatile("sti" ::: "memory"); }
void disable_interrupts() { asm volatile("cli" ::: "memory"); }
void wait_for_interrupt() { asm volatile("hlt" ::: "memory"); }
void relax() { asm volatile("pause"); }

uint8_t read_port(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
void write_port(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

std::optional<uint64_t> random_number() {
  if (!has_rdrand()) return std::nullopt;
  for (int i = 0; i < 10; ++i) {
    uint64_t value;
    bool ok;
    asm volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
    if (ok) return value;
  }
  return std::nullopt;
}

FeatureNames set_up_features() {
  constexpr uint64_t kUmip = 1 << 11;
  constexpr uint64_t kFsgsbase = 1 << 16;
  constexpr uint64_t kOsxsave = 1 << 18;
  constexpr uint64_t kSmep = 1 << 20;
  constexpr uint64_t kSmap = 1 << 21;

  FeatureNames features;
  const uint32_t highest = cpuid(0).eax;
  const CpuidResult basic = cpuid(1);
  const CpuidResult extended = highest >= 7 ? cpuid(7) : CpuidResult{};
  uint64_t cr4 = read_cr4();
  if ((basic.ecx >> 26 & 1) != 0) {
    write_cr4(cr4 |= kOsxsave);
    const bool avx = (basic.ecx >> 28 & 1) != 0;
    if (avx) features.add("avx");
    write_xcr0(avx ? 7 : 3); // x87, SSE, AVX
  }
  if ((extended.ebx & 1) != 0) cr4 |= kFsgsbase;
  if ((extended.ebx >> 7 & 1) != 0) cr4 |= kSmep, features.add("smep");
  if ((extended.ebx >> 20 & 1) != 0) cr4 |= kSmap, features.add("smap");
  if ((extended.ecx >> 2 & 1) != 0) cr4 |= kUmip, features.add("umip");
  write_cr4(cr4);
  features.add(has_rdrand() ? "rdrand" : "no random numbers");
  return features;
}

} // namespace kernel::arch
