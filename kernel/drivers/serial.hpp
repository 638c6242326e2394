// The serial console: a 16550 at COM1, polled, 115200 baud 8N1. Lines end in CR LF on the wire.
#pragma once
#include <cstdint>
#include <string_view>

namespace kernel {

void set_up_serial();
void serial_write(std::string_view text);
// A byte that has arrived, or -1. Never waits.
int serial_read();

} // namespace kernel
