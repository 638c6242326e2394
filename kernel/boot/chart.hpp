// The boot chart: when each named phase of start-up ended, from the processor's cycle counter. `report` prints it
// as «chart: NAME MICROSECONDS us», which tests/bench reads.
#pragma once
#include <cstdint>
#include <string_view>

namespace kernel {

class BootChart {
public:
  // Ends the phase that began at the previous mark (or construction). `name` must outlive the chart.
  void mark(std::string_view name);
  void report(uint64_t cycles_per_microsecond) const;
  BootChart();

private:
  static constexpr int kMaxPhases = 24;
  struct {
    std::string_view name;
    uint64_t cycle;
  } phases_[kMaxPhases];
  int count_ = 0;
  uint64_t begin_;
};

} // namespace kernel
