#include "kernel/debug/panic.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/per_cpu.hpp"
#include "kernel/arch/stack.hpp"
#include "kernel/debug/backtrace.hpp"
#include "kernel/debug/line.hpp"
#include "kernel/drivers/exit_device.hpp"
#include "kernel/drivers/serial.hpp"

namespace kernel {
namespace {

// A panic inside of a panic says so with the least possible machinery.
void enter() {
  arch::disable_interrupts();
  if (arch::this_cpu().reports_begun++ == 0) return;
  serial_write("panic: another fault while reporting the first\n");
  power_off(Outcome::panicked);
}

void print_registers(const arch::TrapFrame& frame) {
  const arch::Registers registers = arch::registers_of(frame);
  Line line;
  for (size_t i = 0; i < registers.count; ++i) {
    const bool ends_line = i % 4 == 3 || i + 1 == registers.count;
    if (i % 4 == 0) line.clear().text("panic:   ");
    line.text(registers.items[i].name).text(" ").hex16(registers.items[i].value).text(ends_line ? "\n" : "  ");
    if (ends_line) line.write();
  }
}

std::string_view verb_of(arch::MemoryUse use) {
  switch (use) {
  case arch::MemoryUse::read: return "reading ";
  case arch::MemoryUse::write: return "writing ";
  case arch::MemoryUse::execute: return "executing ";
  }
  return "";
}

} // namespace

void panic(std::string_view message) {
  enter();
  Line().text("panic: ").text(message).text("\n").write();
  print_backtrace("panic:   ", reinterpret_cast<uint64_t>(__builtin_return_address(0)),
                  *static_cast<const uint64_t*>(__builtin_frame_address(0)));
  power_off(Outcome::panicked);
}

void panic_on_trap(const arch::Trap& trap, const arch::TrapFrame& frame) {
  enter();
  Line line;
  line.text("panic: ").text(trap.name);
  line.text(" (vector ").decimal(trap.vector).text(", error ").hex(trap.error).text(")");
  const bool of_memory = trap.kind == arch::TrapKind::memory_access;
  if (of_memory) {
    line.text(": ").text(verb_of(trap.use)).hex16(trap.address);
    line.text(trap.mapped ? ", which the page forbids" : ", where nothing is mapped");
  }
  line.text("\n").write();
  if (of_memory && arch::in_stack_guard(trap.address))
    serial_write("panic: the address lies in a guard page: a kernel stack has overflowed\n");
  print_registers(frame);
  print_backtrace("panic:   ", trap.pc, trap.fp);
  power_off(Outcome::panicked);
}

} // namespace kernel
