// Calibration: 5 ms of the PIT's channel 2 (1.193182 MHz, gate at port 0x61) measure TSC and APIC timer at once.
// Machines without those ports (QEMU's microvm) answer 0xff: there the APIC timer's 1 GHz, which QEMU promises,
// measures the TSC. Local APIC registers: Intel SDM 3, 11.4.1; CMOS clock: ports 0x70/0x71, MC146818 registers.
#include "kernel/arch/clock.hpp"
#include "kernel/arch/ports.hpp"
#include "kernel/arch/x86_64/instructions.hpp"
#include "kernel/arch/x86_64/per_cpu.hpp"
#include "kernel/arch/x86_64/trap_frame.hpp"

namespace kernel::arch {
namespace {

constexpr uint32_t kEndOfInterrupt = 0xb0, kSpurious = 0xf0, kTimerEntry = 0x320, kTimerInitial = 0x380,
                   kTimerCurrent = 0x390, kTimerDivide = 0x3e0;
constexpr uint32_t kPeriodic = 1 << 17;
constexpr uint32_t kDivideBy16 = 3;

volatile uint32_t* apic = nullptr; // each processor sees its own there
uint64_t tsc_rate = 1;             // per microsecond
uint64_t tsc_at_start = 0;
uint64_t realtime_at_start = 0;

volatile uint32_t& apic_register(uint32_t offset) { return apic[offset / 4]; }

void on_tick() {
  PerCpu& cpu = this_processor();
  cpu.tick_count = cpu.tick_count + 1;
  apic_register(kEndOfInterrupt) = 0;
}

uint8_t cmos(uint8_t index) {
  write_port(0x70, index);
  return read_port(0x71);
}

uint64_t read_realtime() {
  struct Reading {
    uint8_t second, minute, hour, day, month, year;
    bool operator==(const Reading&) const = default;
  };
  const auto read = [] { return Reading{cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9)}; };
  Reading r = read();
  for (int i = 0; i < 10; ++i) { // the clock may tick between the registers
    const Reading again = read();
    if (again == r) break;
    r = again;
  }
  const uint8_t format = cmos(11);
  const auto value = [&](uint8_t raw) -> unsigned { return (format & 4) != 0 ? raw : raw / 16 * 10 + raw % 16; };
  unsigned hour = value(r.hour & 0x7f);
  if ((format & 2) == 0) hour = hour % 12 + ((r.hour & 0x80) != 0 ? 12 : 0);
  // Days since 1970 by the civil-from-days rule with years that begin in March.
  const unsigned month = value(r.month);
  if (month < 1 || month > 12) return 0; // no clock there
  const unsigned year = 2000 + value(r.year) - (month <= 2 ? 1 : 0);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + value(r.day) - 1;
  const uint64_t days = uint64_t{year} * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
  return (((days * 24 + hour) * 60 + value(r.minute)) * 60 + value(r.second)) * 1'000'000'000;
}

struct Rates {
  uint64_t tsc, apic; // per 5 ms
};

Rates calibrate() {
  constexpr uint32_t kPitCount = 5966; // 5 ms
  apic_register(kTimerInitial) = ~uint32_t{0};
  const uint8_t gate = read_port(0x61);
  if (gate != 0xff) {
    write_port(0x61, static_cast<uint8_t>((gate & ~2) | 1)); // gate on, speaker off
    write_port(0x43, 0xb0);                                  // channel 2, both bytes, mode 0: output rises when done
    write_port(0x42, kPitCount & 0xff);
    write_port(0x42, kPitCount >> 8);
    const uint32_t apic_begin = apic_register(kTimerCurrent);
    const uint64_t begin = read_tsc();
    for (uint32_t i = 0; i < 100'000'000 && (read_port(0x61) & 0x20) == 0; ++i) {
    }
    const uint64_t end = read_tsc();
    const uint32_t apic_end = apic_register(kTimerCurrent);
    if (end > begin && apic_begin > apic_end) return {end - begin, apic_begin - apic_end};
  }
  constexpr uint32_t kApicPer5ms = 5'000'000 / 16;
  const uint32_t apic_begin = apic_register(kTimerCurrent);
  const uint64_t begin = read_tsc();
  while (apic_begin - apic_register(kTimerCurrent) < kApicPer5ms) {
  }
  return {read_tsc() - begin, kApicPer5ms};
}

} // namespace

void set_up_clock(DeviceMapper map_device) {
  // The legacy controllers stay masked, their vectors away from the exceptions'.
  write_port(0x20, 0x11), write_port(0xa0, 0x11);
  write_port(0x21, 0x20), write_port(0xa1, 0x28);
  write_port(0x21, 4), write_port(0xa1, 2);
  write_port(0x21, 1), write_port(0xa1, 1);
  write_port(0x21, 0xff), write_port(0xa1, 0xff);

  constexpr uint64_t kApicEnable = 1 << 11;
  const uint64_t base = read_msr(kMsrApicBase);
  write_msr(kMsrApicBase, base | kApicEnable);
  apic = map_device(base & 0x000ffffffffff000, 4096);
  apic_register(kSpurious) = 0x100 | kSpuriousInterrupt;
  apic_register(kTimerDivide) = kDivideBy16;
  apic_register(kTimerEntry) = 1 << 16 | kTimerInterrupt; // masked while calibrating

  const Rates rates = calibrate();
  tsc_rate = rates.tsc / 5000;
  if (tsc_rate == 0) tsc_rate = 1;
  tsc_at_start = read_tsc();
  realtime_at_start = read_realtime();

  set_interrupt_handler(kTimerInterrupt, on_tick);
  apic_register(kTimerEntry) = kPeriodic | kTimerInterrupt;
  const uint64_t per_tick = rates.apic * 200 / kTicksPerSecond;
  apic_register(kTimerInitial) = static_cast<uint32_t>(per_tick != 0 ? per_tick : 1);
}

uint64_t cycle_count() { return read_tsc(); }
uint64_t cycles_per_microsecond() { return tsc_rate; }
uint64_t nanoseconds_since_start() {
  const uint64_t elapsed = read_tsc() - tsc_at_start;
  return elapsed / tsc_rate * 1000 + elapsed % tsc_rate * 1000 / tsc_rate;
}
uint64_t realtime_nanoseconds() { return realtime_at_start + nanoseconds_since_start(); }
uint64_t tick_count() { return this_processor().tick_count; }

} // namespace kernel::arch
