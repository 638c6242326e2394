#include "kernel/drivers/serial.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/ports.hpp"

namespace kernel {
namespace {

// 16550 registers (offsets from the base port).
constexpr uint16_t kCom1 = 0x3f8;
constexpr uint16_t kData = kCom1 + 0, kInterruptEnable = kCom1 + 1, kFifoControl = kCom1 + 2, kLineControl = kCom1 + 3,
                   kModemControl = kCom1 + 4, kLineStatus = kCom1 + 5;
constexpr uint8_t kDataReady = 0x01, kTransmitterEmpty = 0x20;

void write_byte(char byte) {
  // A missing or stuck UART must not stop the kernel: give up on a byte after a bounded wait.
  for (int i = 0; i < 100000 && (arch::read_port(kLineStatus) & kTransmitterEmpty) == 0; ++i) arch::relax();
  arch::write_port(kData, static_cast<uint8_t>(byte));
}

} // namespace

void set_up_serial() {
  arch::write_port(kInterruptEnable, 0);
  arch::write_port(kLineControl, 0x80); // divisor latch
  arch::write_port(kData, 1);           // 115200 baud
  arch::write_port(kInterruptEnable, 0);
  arch::write_port(kLineControl, 0x03); // 8N1
  arch::write_port(kFifoControl, 0xc7);
  arch::write_port(kModemControl, 0x03);
}

void serial_write(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') write_byte('\r');
    write_byte(c);
  }
}

int serial_read() { return (arch::read_port(kLineStatus) & kDataReady) != 0 ? arch::read_port(kData) : -1; }

} // namespace kernel
