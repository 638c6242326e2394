#include "kernel/boot/chart.hpp"
#include "kernel/arch/x86_64/cpu.hpp"
#include "kernel/debug/line.hpp"

namespace kernel {

BootChart::BootChart() : begin_(arch::read_tsc()) {}

void BootChart::mark(std::string_view name) {
  if (count_ < kMaxPhases) phases_[count_++] = {name, arch::read_tsc()};
}

void BootChart::report(uint64_t tsc_per_microsecond) const {
  uint64_t previous = begin_;
  for (int i = 0; i < count_; ++i) {
    Line()
        .text("chart: ")
        .text(phases_[i].name)
        .text(" ")
        .decimal((phases_[i].tsc - previous) / tsc_per_microsecond)
        .text(" us\n")
        .write();
    previous = phases_[i].tsc;
  }
  Line().text("chart: total ").decimal((previous - begin_) / tsc_per_microsecond).text(" us\n").write();
}

} // namespace kernel
