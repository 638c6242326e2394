// What the boot loader hands over: memory map, modules, command line, ACPI root. Two wire formats, one structure:
//   PVH        hvm_start_info (Xen public/arch-x86/hvm/start_info.h: magic 0x336ec578, version ≥ 1 for the memory map)
//   multiboot2 boot information (Multiboot2 specification 1.6, section 3.6)
// Pure over a view of physical memory, so that the host tests run it. Nothing is allocated: it runs before the heap.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace kernel {

struct PhysicalView { // physical addresses [0, size) are readable at base
  const std::byte* base;
  uint64_t size;
};

enum class MemoryKind : uint8_t { usable, acpi, reserved };
struct MemoryRange {
  uint64_t base = 0, size = 0; // bytes; base + size does not wrap
  MemoryKind kind = MemoryKind::reserved;
};
struct BootModule {
  uint64_t base = 0, size = 0;
};
enum class BootProtocol : uint8_t { pvh = 1, multiboot2 = 2 };

struct BootInfo {
  static constexpr size_t kMaxRanges = 128;
  static constexpr size_t kMaxModules = 8;
  static constexpr size_t kMaxCommandLine = 16384;

  BootProtocol protocol = BootProtocol::pvh;
  MemoryRange ranges[kMaxRanges];
  size_t range_count = 0;
  BootModule modules[kMaxModules];
  size_t module_count = 0;
  std::string_view command_line; // a view into physical memory
  uint64_t acpi_root = 0;        // physical address of the RSDP; 0: not told
  // Where the structures themselves lie: usable memory that must not be handed out while they are read.
  MemoryRange keep[4];
  size_t keep_count = 0;
};

// The error is a sentence.
[[nodiscard]] std::expected<BootInfo, std::string_view> parse_boot_info(uint32_t protocol, uint64_t address,
                                                                        PhysicalView memory);

} // namespace kernel
