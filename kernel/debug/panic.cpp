#include "kernel/debug/panic.hpp"
#include "kernel/arch/x86_64/cpu.hpp"
#include "kernel/arch/x86_64/traps.hpp"
#include "kernel/debug/backtrace.hpp"
#include "kernel/debug/line.hpp"
#include "kernel/drivers/exit_device.hpp"
#include "kernel/drivers/serial.hpp"

extern "C" char exception_stack_guard[], interrupt_stack_guard[], double_fault_stack_guard[], boot_stack_guard[];

namespace kernel {
namespace {

int depth = 0;

// A panic inside of a panic says so with the least possible machinery.
void enter() {
  arch::disable_interrupts();
  if (depth++ == 0) return;
  serial_write("panic: another fault while reporting the first\n");
  power_off(Outcome::panicked);
}

bool in_page(uint64_t address, const char* page) { return address - reinterpret_cast<uint64_t>(page) < 4096; }

void print_registers(const arch::TrapFrame& f) {
  const struct {
    const char* name;
    uint64_t value;
  } registers[] = {
      {"rax", f.rax},     {"rbx", f.rbx}, {"rcx", f.rcx}, {"rdx", f.rdx}, {"rsi", f.rsi}, {"rdi", f.rdi},
      {"rbp", f.rbp},     {"rsp", f.rsp}, {" r8", f.r8},  {" r9", f.r9},  {"r10", f.r10}, {"r11", f.r11},
      {"r12", f.r12},     {"r13", f.r13}, {"r14", f.r14}, {"r15", f.r15}, {"rip", f.rip}, {"cr3", arch::read_cr3()},
      {"flags", f.rflags}};
  int column = 0;
  Line line;
  for (const auto& r : registers) {
    if (column == 0) line.clear().text("panic:   ");
    line.text(r.name).text(" ").hex16(r.value);
    if (++column == 4) {
      line.text("\n").write();
      column = 0;
    } else {
      line.text("  ");
    }
  }
  if (column != 0) line.text("\n").write();
}

} // namespace

void panic(std::string_view message) {
  enter();
  Line().text("panic: ").text(message).text("\n").write();
  print_backtrace("panic:   ", reinterpret_cast<uint64_t>(__builtin_return_address(0)),
                  *static_cast<const uint64_t*>(__builtin_frame_address(0)));
  power_off(Outcome::panicked);
}

void panic_trap(const arch::TrapFrame& frame, uint64_t address) {
  enter();
  Line line;
  line.text("panic: ").text(arch::vector_name(frame.vector));
  line.text(" (vector ").decimal(frame.vector).text(", error ").hex(frame.error).text(")");
  if (frame.vector == arch::kPageFault) {
    line.text((frame.error & 16) != 0 ? ": executing " : (frame.error & 2) != 0 ? ": writing " : ": reading ");
    line.hex16(address).text((frame.error & 1) != 0 ? ", which the page forbids" : ", where nothing is mapped");
  }
  line.text("\n").write();
  const bool overflow = frame.vector == arch::kPageFault || frame.vector == arch::kDoubleFault;
  if (overflow && (in_page(address, boot_stack_guard) || in_page(address, exception_stack_guard) ||
                   in_page(address, interrupt_stack_guard) || in_page(address, double_fault_stack_guard)))
    serial_write("panic: the address lies in a guard page: a kernel stack has overflowed\n");
  print_registers(frame);
  print_backtrace("panic:   ", frame.rip, frame.rbp);
  power_off(Outcome::panicked);
}

} // namespace kernel
