#include "kernel/boot/boot_info.hpp"
#include "store/base/try.hpp"
#include <cstring>

namespace kernel {
namespace {

using Failure = std::unexpected<std::string_view>;

struct StartInfo {
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, acpi_root, memory_map;
  uint32_t memory_map_entries, reserved;
};
static_assert(sizeof(StartInfo) == 56);
struct StartInfoModule {
  uint64_t base, size, command_line, reserved;
};
struct StartInfoRange {
  uint64_t base, size;
  uint32_t kind, reserved;
};
struct MultibootTag {
  uint32_t type, size;
};
struct MultibootRange {
  uint64_t base, size;
  uint32_t kind, reserved;
};

template <class T> std::expected<T, std::string_view> read(PhysicalView memory, uint64_t address) {
  if (address > memory.size || memory.size - address < sizeof(T))
    return Failure("boot information lies outside of the first 4 GiB");
  T value;
  std::memcpy(&value, memory.base + address, sizeof value);
  return value;
}

std::expected<std::string_view, std::string_view> read_text(PhysicalView memory, uint64_t address, uint64_t limit) {
  if (address >= memory.size) return Failure("the command line lies outside of the first 4 GiB");
  if (limit > memory.size - address) limit = memory.size - address;
  const char* text = reinterpret_cast<const char*>(memory.base + address);
  const void* end = std::memchr(text, 0, limit);
  if (!end) return Failure("the command line is longer than 16383 bytes");
  return std::string_view{text, static_cast<size_t>(static_cast<const char*>(end) - text)};
}

// Types of the E820 map, which both protocols use.
MemoryKind kind_of(uint32_t e820) {
  switch (e820) {
  case 1: return MemoryKind::usable;
  case 3:
  case 4: return MemoryKind::acpi;
  default: return MemoryKind::reserved;
  }
}

std::expected<void, std::string_view> add_range(BootInfo& info, uint64_t base, uint64_t size, uint32_t kind) {
  if (size == 0) return {};
  if (base + size < base) return Failure("a range of the memory map wraps around");
  if (info.range_count == BootInfo::kMaxRanges) return Failure("the memory map has more than 128 ranges");
  info.ranges[info.range_count++] = {base, size, kind_of(kind)};
  return {};
}

std::expected<void, std::string_view> add_module(BootInfo& info, uint64_t base, uint64_t size) {
  if (info.module_count == BootInfo::kMaxModules) return Failure("there are more than 8 boot modules");
  if (base + size < base) return Failure("a boot module wraps around");
  info.modules[info.module_count++] = {base, size};
  return {};
}

void keep(BootInfo& info, uint64_t base, uint64_t size) {
  info.keep[info.keep_count++] = {base, size, MemoryKind::reserved};
}

std::expected<BootInfo, std::string_view> parse_pvh(uint64_t address, PhysicalView memory) {
  constexpr uint32_t kMagic = 0x336ec578;
  const StartInfo start = TRY(read<StartInfo>(memory, address));
  if (start.magic != kMagic) return Failure("the start information has not PVH's magic number");
  if (start.version < 1) return Failure("the start information has no memory map (version 0)");
  if (start.memory_map_entries > BootInfo::kMaxRanges) return Failure("the memory map has more than 128 ranges");
  if (start.module_count > BootInfo::kMaxModules) return Failure("there are more than 8 boot modules");
  BootInfo info;
  info.protocol = BootProtocol::pvh;
  info.acpi_root = start.acpi_root;
  keep(info, address, sizeof start);
  keep(info, start.memory_map, start.memory_map_entries * sizeof(StartInfoRange));
  for (uint32_t i = 0; i < start.memory_map_entries; ++i) {
    const auto range = TRY(read<StartInfoRange>(memory, start.memory_map + i * sizeof(StartInfoRange)));
    TRY_VOID(add_range(info, range.base, range.size, range.kind));
  }
  keep(info, start.modules, start.module_count * sizeof(StartInfoModule));
  for (uint32_t i = 0; i < start.module_count; ++i) {
    const auto module = TRY(read<StartInfoModule>(memory, start.modules + i * sizeof(StartInfoModule)));
    TRY_VOID(add_module(info, module.base, module.size));
  }
  if (start.command_line != 0) {
    info.command_line = TRY(read_text(memory, start.command_line, BootInfo::kMaxCommandLine));
    keep(info, start.command_line, info.command_line.size() + 1);
  }
  return info;
}

std::expected<BootInfo, std::string_view> parse_multiboot2(uint64_t address, PhysicalView memory) {
  enum : uint32_t { kEnd = 0, kCommandLine = 1, kModule = 3, kMemoryMap = 6, kAcpiOld = 14, kAcpiNew = 15 };
  const uint32_t total = TRY(read<uint32_t>(memory, address));
  if (total < 16 || total > 1 << 20) return Failure("the multiboot2 information has an impossible size");
  BootInfo info;
  info.protocol = BootProtocol::multiboot2;
  keep(info, address, total);
  for (uint64_t offset = 8; offset + sizeof(MultibootTag) <= total;) {
    const auto tag = TRY(read<MultibootTag>(memory, address + offset));
    if (tag.size < sizeof tag || tag.size > total - offset) return Failure("a multiboot2 tag leaves the information");
    const uint64_t body = address + offset + sizeof tag;
    const uint64_t body_size = tag.size - sizeof tag;
    switch (tag.type) {
    case kEnd: return info;
    case kCommandLine: info.command_line = TRY(read_text(memory, body, body_size)); break;
    case kModule: {
      const uint64_t bounds = TRY(read<uint64_t>(memory, body));
      const uint64_t begin = bounds & 0xffffffff;
      const uint64_t end = bounds >> 32;
      if (end < begin) return Failure("a boot module ends before it begins");
      TRY_VOID(add_module(info, begin, end - begin));
      break;
    }
    case kMemoryMap: {
      const uint32_t entry_size = TRY(read<uint32_t>(memory, body));
      if (entry_size < sizeof(MultibootRange)) return Failure("the memory map's entries are too small");
      for (uint64_t at = 8; at + entry_size <= body_size; at += entry_size) {
        const auto range = TRY(read<MultibootRange>(memory, body + at));
        TRY_VOID(add_range(info, range.base, range.size, range.kind));
      }
      break;
    }
    case kAcpiOld:
    case kAcpiNew: info.acpi_root = body; break; // a copy inside of the information
    default: break;
    }
    offset += (uint64_t{tag.size} + 7) & ~uint64_t{7};
  }
  return Failure("the multiboot2 information has no end tag");
}

} // namespace

std::expected<BootInfo, std::string_view> parse_boot_info(uint32_t protocol, uint64_t address, PhysicalView memory) {
  if (protocol == static_cast<uint32_t>(BootProtocol::pvh)) return parse_pvh(address, memory);
  if (protocol == static_cast<uint32_t>(BootProtocol::multiboot2)) return parse_multiboot2(address, memory);
  return Failure("the boot protocol is unknown");
}

} // namespace kernel
