// What a boot loader hands over, from any bytes: the first says the protocol, the next two where the structure lies,
// the rest is physical memory. Whatever is accepted must keep the promises of boot_info.hpp.
#include "kernel/boot/boot_info.hpp"
#include <cstdint>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint64_t address = data[1] | uint64_t{data[2]} << 8;
  // A copy of exactly that size, so that the sanitizer sees one byte too far.
  const std::vector<std::byte> memory(reinterpret_cast<const std::byte*>(data + 3),
                                      reinterpret_cast<const std::byte*>(data + size));
  const auto info = kernel::parse_boot_info(data[0], address, {memory.data(), memory.size()});
  if (!info) return 0;
  uint64_t sum = 0;
  for (const char c : info->command_line) sum += static_cast<unsigned char>(c);
  for (size_t i = 0; i < info->range_count; ++i)
    if (info->ranges[i].base + info->ranges[i].size < info->ranges[i].base) std::abort();
  for (size_t i = 0; i < info->module_count; ++i)
    if (info->modules[i].base + info->modules[i].size < info->modules[i].base) std::abort();
  if (info->keep_count > 4) std::abort();
  return sum == ~uint64_t{0} ? 1 : 0;
}
