// Time: the time-stamp counter as the clock, calibrated once; the local APIC's timer for ticks; the CMOS clock for the
// date.
#pragma once
#include <cstdint>

namespace kernel::arch {

inline constexpr uint64_t kTicksPerSecond = 100;

// Maps the local APIC, masks the legacy interrupt controllers, calibrates, starts ticks. Interrupts may be enabled
// afterwards.
void set_up_clock();

[[nodiscard]] uint64_t tsc_per_microsecond(); // at least 1
[[nodiscard]] uint64_t nanoseconds_since_start();
[[nodiscard]] uint64_t realtime_nanoseconds(); // since 1970-01-01 UTC: the CMOS clock at start and the TSC since
[[nodiscard]] uint64_t tick_count();

} // namespace kernel::arch
