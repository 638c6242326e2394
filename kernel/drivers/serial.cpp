#include "kernel/drivers/serial.hpp"
#include "kernel/arch/x86_64/cpu.hpp"

namespace kernel {
namespace {

// 16550 registers (offsets from the base port).
constexpr uint16_t kCom1 = 0x3f8;
constexpr uint16_t kData = kCom1 + 0, kInterruptEnable = kCom1 + 1, kFifoControl = kCom1 + 2, kLineControl = kCom1 + 3,
                   kModemControl = kCom1 + 4, kLineStatus = kCom1 + 5;
constexpr uint8_t kDataReady = 0x01, kTransmitterEmpty = 0x20;

void write_byte(char byte) {
  // A missing or stuck UART must not stop the kernel: give up on a byte after a bounded wait.
  for (int i = 0; i < 100000 && (arch::in8(kLineStatus) & kTransmitterEmpty) == 0; ++i) asm volatile("pause");
  arch::out8(kData, static_cast<uint8_t>(byte));
}

} // namespace

void set_up_serial() {
  arch::out8(kInterruptEnable, 0);
  arch::out8(kLineControl, 0x80); // divisor latch
  arch::out8(kData, 1);           // 115200 baud
  arch::out8(kInterruptEnable, 0);
  arch::out8(kLineControl, 0x03); // 8N1
  arch::out8(kFifoControl, 0xc7);
  arch::out8(kModemControl, 0x03);
}

void serial_write(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') write_byte('\r');
    write_byte(c);
  }
}

int serial_read() { return (arch::in8(kLineStatus) & kDataReady) != 0 ? arch::in8(kData) : -1; }

} // namespace kernel
