// The processor's features: see processor.hpp.
#include "runtime/codegen/x86_64/processor.hpp"
#include <atomic>
#include <cpuid.h>
#include <string>

namespace runtime::x86_64 {
namespace {

// The instructions that the emitter uses beyond x86-64's first version; null when the processor has all.
const char* find_missing_feature() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_2) == 0) return "SSE4.2";
  if ((c & bit_POPCNT) == 0) return "POPCNT";
  if (__get_cpuid(0x8000'0001, &a, &b, &c, &d) == 0 || (c & bit_LZCNT) == 0) return "LZCNT";
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & bit_BMI) == 0) return "BMI1";
  return (b & bit_BMI2) == 0 ? "BMI2" : nullptr;
}

bool find_avx2() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || (c & bit_AVX) == 0) return false;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr uint32_t kSseAndAvxState = 6;
  if ((low & kSseAndAvxState) != kSseAndAvxState) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX2) != 0;
}

} // namespace

// Asked once: cpuid leaves the guest when the machine is virtual, which takes longer than to compile a small module.
Result<void> check_processor() {
  static constinit std::atomic<bool> is_good = false;
  if (is_good.load(std::memory_order_relaxed)) return {};
  if (const char* missing = find_missing_feature())
    return std::unexpected(
        Error{.kind = ErrorKind::unsupported,
              .message = std::string("unsupported: a processor without ") + missing + " (QEMU: use -cpu max)"});
  is_good.store(true, std::memory_order_relaxed);
  return {};
}

bool has_avx2() {
  enum class Answer : uint8_t { unknown, no, yes };
  static constinit std::atomic<Answer> known = Answer::unknown;
  Answer answer = known.load(std::memory_order_relaxed);
  if (answer == Answer::unknown) {
    answer = find_avx2() ? Answer::yes : Answer::no;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == Answer::yes;
}

} // namespace runtime::x86_64
