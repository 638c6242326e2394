#include "kernel/drivers/exit_device.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/ports.hpp"
#include "kernel/drivers/serial.hpp"

namespace kernel {

void report_status(uint8_t status) {
  constexpr uint16_t kDebugConsolePort = 0xe9;
  arch::write_port(kDebugConsolePort, status);
}

void power_off(Outcome outcome) {
  constexpr uint16_t kExitPort = 0xf4;
  arch::write_port(kExitPort, static_cast<uint8_t>(outcome));
  serial_write("power: no exit device answers; the machine is halted and may be switched off\n");
  arch::halt();
}

} // namespace kernel
