// Time: the processor's cycle counter as the clock, calibrated once; a timer that ticks; the machine's clock for the
// date.
#pragma once
#include <cstdint>

namespace kernel::arch {

inline constexpr uint64_t kTicksPerSecond = 100;

// Maps a device's registers [physical, physical + size), uncached, for good.
using DeviceMapper = volatile uint32_t* (*)(uint64_t physical, uint64_t size);

// Maps the timer, silences other interrupt controllers, calibrates, starts ticks. Interrupts may be enabled afterwards.
void set_up_clock(DeviceMapper map_device);

[[nodiscard]] uint64_t cycle_count();            // from the first instruction on; needs no set-up
[[nodiscard]] uint64_t cycles_per_microsecond(); // at least 1
[[nodiscard]] uint64_t nanoseconds_since_start();
[[nodiscard]] uint64_t
realtime_nanoseconds();              // since 1970-01-01 UTC: the machine's clock at start and the cycles since
[[nodiscard]] uint64_t tick_count(); // of this processor's timer

} // namespace kernel::arch
