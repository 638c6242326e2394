#include "kernel/boot/chart.hpp"
#include "kernel/arch/clock.hpp"
#include "kernel/debug/line.hpp"

namespace kernel {

BootChart::BootChart() : begin_(arch::cycle_count()) {}

void BootChart::mark(std::string_view name) {
  if (count_ < kMaxPhases) phases_[count_++] = {name, arch::cycle_count()};
}

void BootChart::report(uint64_t cycles_per_microsecond) const {
  uint64_t previous = begin_;
  for (int i = 0; i < count_; ++i) {
    Line()
        .text("chart: ")
        .text(phases_[i].name)
        .text(" ")
        .decimal((phases_[i].cycle - previous) / cycles_per_microsecond)
        .text(" us\n")
        .write();
    previous = phases_[i].cycle;
  }
  Line().text("chart: total ").decimal((previous - begin_) / cycles_per_microsecond).text(" us\n").write();
}

} // namespace kernel
