// Processor features, switched on where CPUID names them. SSE is on since arch/x86_64/entry.S: this code may use it.
// SMEP and SMAP: the kernel maps nothing as a user page, so that both only ever catch mistakes. (Intel SDM
// 3, 2.5, 4.6.)
#include "kernel/arch/x86_64/cpu.hpp"

namespace kernel::arch {

CpuFeatures enable_cpu_features() {
  constexpr uint64_t kUmip = 1 << 11;
  constexpr uint64_t kFsgsbase = 1 << 16;
  constexpr uint64_t kOsxsave = 1 << 18;
  constexpr uint64_t kSmep = 1 << 20;
  constexpr uint64_t kSmap = 1 << 21;

  CpuFeatures features;
  const uint32_t highest = cpuid(0).eax;
  const CpuidResult basic = cpuid(1);
  const CpuidResult extended = highest >= 7 ? cpuid(7) : CpuidResult{};
  uint64_t cr4 = read_cr4();
  features.rdrand = (basic.ecx >> 30 & 1) != 0;
  if ((basic.ecx >> 26 & 1) != 0) {
    write_cr4(cr4 |= kOsxsave);
    features.avx = (basic.ecx >> 28 & 1) != 0;
    write_xcr0(features.avx ? 7 : 3); // x87, SSE, AVX
  }
  if ((extended.ebx & 1) != 0) cr4 |= kFsgsbase, features.fsgsbase = true;
  if ((extended.ebx >> 7 & 1) != 0) cr4 |= kSmep, features.smep = true;
  if ((extended.ebx >> 20 & 1) != 0) cr4 |= kSmap, features.smap = true;
  if ((extended.ecx >> 2 & 1) != 0) cr4 |= kUmip, features.umip = true;
  write_cr4(cr4);
  return features;
}

} // namespace kernel::arch
