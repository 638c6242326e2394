// The I/O ports of a PC's devices: an address space of bytes beside memory, [0, 0xffff]. A port that no device answers
// reads as 0xff.
#pragma once
#include <cstdint>

namespace kernel::arch {

[[nodiscard]] uint8_t read_port(uint16_t port);
void write_port(uint16_t port, uint8_t value);

} // namespace kernel::arch
