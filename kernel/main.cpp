// The kernel from its first line to its last: a flat list of phases, each named on the boot chart. What each needs of
// the ones before it stands above it.
#include "kernel/arch/clock.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/layout.hpp"
#include "kernel/arch/start.hpp"
#include "kernel/arch/traps.hpp"
#include "kernel/boot/boot_info.hpp"
#include "kernel/boot/chart.hpp"
#include "kernel/boot/command_line.hpp"
#include "kernel/debug/kernel_test.hpp"
#include "kernel/debug/line.hpp"
#include "kernel/debug/panic.hpp"
#include "kernel/drivers/exit_device.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/memory/heap.hpp"
#include "kernel/memory/kernel_map.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/sched/stack.hpp"
#include "kernel/system/system.hpp"
#include <sodium.h>

extern "C" {
using Constructor = void (*)();
extern const Constructor init_array_begin[], init_array_end[];
}

namespace kernel {
namespace {

// What the boot loader told; static, because it is large and lives as long as the kernel.
constinit BootInfo boot_info;

std::span<const std::byte> first_module() {
  if (boot_info.module_count == 0) return {};
  return {direct(boot_info.modules[0].base), boot_info.modules[0].size};
}

[[noreturn]] void run_tests(std::string_view pattern) {
  const uint32_t failures = run_kernel_tests(pattern, first_module());
  if (failures == ~uint32_t{0}) {
    Line().text("tests: no test of this kernel matches \"").text(pattern).text("\"\n").write();
    power_off(Outcome::bad_command_line);
  }
  power_off(failures == 0 ? Outcome::success : Outcome::tests_failed);
}

// Guests, and the compiler that works for them, run on one stack with a guard page; one at a time.
[[noreturn]] void boot_system(const CommandLine& options, BootChart& chart) {
  constexpr uint64_t kGuestStackBytes = 1 << 20;
  const auto stack = Stack::create(kGuestStackBytes);
  if (!stack) panic(stack.error());
  const SystemHost host{
      .write = serial_write,
      .now_us = [] { return arch::nanoseconds_since_start() / 1000; },
      .on_guest_stack = [&](const std::function<void()>& function) { stack->run(function); },
  };
  const SystemResult result = run_system({options.generation, options.keys, first_module()}, host);
  chart.mark("system");
  chart.report(arch::cycles_per_microsecond());
  switch (result.end) {
  case SystemEnd::ran: report_status(static_cast<uint8_t>(result.status)); power_off(outcome_of_status(result.status));
  case SystemEnd::refused: power_off(Outcome::refused);
  case SystemEnd::bad_request: power_off(Outcome::bad_command_line);
  }
  panic("the system ended in no known way");
}

} // namespace

void kernel_main(uint32_t protocol, uint64_t information) {
  BootChart chart;
  set_up_serial();
  Line().text("boot: kpkg kernel " KPKG_VERSION ", ").text(arch::kProcessorName).text("\n").write();

  // Traps first: from here on a fault is a report and not a silent restart.
  arch::set_up_traps(panic_on_trap);
  const arch::FeatureNames features = arch::set_up_features();
  chart.mark("processor");

  // The loader's structures lie in memory that the frame allocator would give away: read and reserve them before.
  auto parsed = parse_boot_info(protocol, information, {direct(0), arch::kBootMapped});
  if (!parsed) panic(parsed.error());
  boot_info = *parsed;
  set_up_frames(boot_info);
  chart.mark("frames");

  // The heap comes before the map: address ranges are kept in containers. Both work on what is mapped from entry on
  // until then.
  set_up_heap();
  set_up_kernel_map(boot_info);
  chart.mark("memory map");

  for (const Constructor* constructor = init_array_begin; constructor != init_array_end; ++constructor)
    (*constructor)();
  arch::set_up_clock(map_device);
  arch::enable_interrupts();
  chart.mark("clock");

  if (sodium_init() < 0) panic("libsodium does not start");
  chart.mark("cryptography");

  Line line;
  line.text("boot: ").decimal(frames().free_count() * kFrameSize >> 20).text(" MiB of memory free,");
  for (size_t i = 0; i < features.count; ++i) line.text(" ").text(features.names[i]);
  line.text("\n").write();

  const auto options = CommandLine::parse(boot_info.command_line);
  if (!options) {
    Line().text("boot: command line: ").text(options.error()).text("\n").write();
    power_off(Outcome::bad_command_line);
  }
  if (!options->test.empty() && !options->generation.empty()) {
    serial_write("boot: command line: kpkg.generation and test exclude each other\n");
    power_off(Outcome::bad_command_line);
  }
  if (!options->test.empty()) {
    chart.report(arch::cycles_per_microsecond());
    run_tests(options->test);
  }
  if (!options->generation.empty()) boot_system(*options, chart);
  serial_write("boot: nothing to do: the command line names neither kpkg.generation nor test\n");
  power_off(Outcome::bad_command_line);
}

} // namespace kernel
