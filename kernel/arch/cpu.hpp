// The processor that runs this code: stopping it, its interrupts, its random numbers, what start-up switches on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kernel::arch {

extern const std::string_view kProcessorName; // "x86-64"

// Without interrupts, for good.
[[noreturn]] void halt();
void enable_interrupts();
void disable_interrupts();
// Waits for the next interrupt; interrupts must be enabled.
void wait_for_interrupt();
// One turn of a loop that waits for a device or another processor.
void relax();

// Nothing where the processor has no source of random numbers, or it fails ten times in a row (its maker's advice).
[[nodiscard]] std::optional<uint64_t> random_number();

// What start-up found and switched on (and what it misses), for the boot report.
struct FeatureNames {
  static constexpr size_t kMost = 8;
  std::string_view names[kMost];
  size_t count = 0;
  void add(std::string_view name) { names[count++] = name; }
};
// Switches on what this processor has of vector state and of protection against the kernel's own mistakes.
FeatureNames set_up_features();

} // namespace kernel::arch
