#include "kernel/drivers/random.hpp"
#include "kernel/arch/cpu.hpp"
#include <cstring>

namespace kernel {

bool random_bytes(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto number = arch::random_number();
    if (!number) return false;
    const size_t count = out.size() < sizeof *number ? out.size() : sizeof *number;
    std::memcpy(out.data(), &*number, count);
    out = out.subspan(count);
  }
  return true;
}

} // namespace kernel
