#include <new>

#include <catch2/catch.hpp>

#include "kernel/boot/boot_info.hpp"
#include <cstring>
#include <string>
#include <vector>

using namespace kernel;

namespace {

// A small physical memory that structures are laid into.
struct Memory {
  std::vector<std::byte> bytes = std::vector<std::byte>(64 << 10);
  template <class T> void put(uint64_t at, T value) { std::memcpy(bytes.data() + at, &value, sizeof value); }
  void put_text(uint64_t at, const std::string& text) { std::memcpy(bytes.data() + at, text.c_str(), text.size() + 1); }
  [[nodiscard]] PhysicalView view() const { return {bytes.data(), bytes.size()}; }
};

// hvm_start_info at 0x1000 with two ranges at 0x2000, one module at 0x3000, a command line at 0x4000.
Memory pvh() {
  Memory m;
  for (uint32_t i = 0; const uint32_t word : {0x336ec578u, 1u, 0u, 1u}) m.put<uint32_t>(0x1000 + 4 * i++, word);
  for (uint32_t i = 0; const uint64_t word : {0x3000ul, 0x4000ul, 0xf5000ul, 0x2000ul})
    m.put<uint64_t>(0x1010 + 8 * i++, word);
  m.put<uint32_t>(0x1030, 2);
  m.put<uint64_t>(0x2000, 0), m.put<uint64_t>(0x2008, 0x9fc00), m.put<uint32_t>(0x2010, 1);
  m.put<uint64_t>(0x2018, 0xfffc0000), m.put<uint64_t>(0x2020, 0x40000), m.put<uint32_t>(0x2028, 2);
  m.put<uint64_t>(0x3000, 0x5000), m.put<uint64_t>(0x3008, 123);
  m.put_text(0x4000, "test=all");
  return m;
}

// multiboot2 information at 0x1000: command line, module, memory map of one range, end.
Memory multiboot2() {
  Memory m;
  uint64_t at = 0x1008;
  const auto tag = [&](uint32_t type, uint32_t size) {
    m.put<uint32_t>(at, type), m.put<uint32_t>(at + 4, size);
    const uint64_t body = at + 8;
    at += (size + 7) / 8 * 8;
    return body;
  };
  m.put_text(tag(1, 8 + 9), "test=all");
  const uint64_t module = tag(3, 8 + 8 + 1);
  m.put<uint32_t>(module, 0x5000), m.put<uint32_t>(module + 4, 0x5000 + 123);
  const uint64_t map = tag(6, 8 + 8 + 24);
  m.put<uint32_t>(map, 24);
  m.put<uint64_t>(map + 8, 0x100000), m.put<uint64_t>(map + 16, 0x700000), m.put<uint32_t>(map + 24, 1);
  tag(0, 8);
  m.put<uint32_t>(0x1000, static_cast<uint32_t>(at - 0x1000));
  return m;
}

} // namespace

TEST_CASE("PVH start information is read") {
  const Memory m = pvh();
  const auto info = parse_boot_info(1, 0x1000, m.view());
  REQUIRE(info);
  CHECK(info->protocol == BootProtocol::pvh);
  CHECK(info->command_line == "test=all");
  CHECK(info->acpi_root == 0xf5000);
  REQUIRE(info->module_count == 1);
  CHECK(info->modules[0].base == 0x5000);
  CHECK(info->modules[0].size == 123);
  REQUIRE(info->range_count == 2);
  CHECK(info->ranges[0].kind == MemoryKind::usable);
  CHECK(info->ranges[1].kind == MemoryKind::reserved);
  CHECK(info->ranges[1].size == 0x40000);
}

TEST_CASE("multiboot2 information is read") {
  const Memory m = multiboot2();
  const auto info = parse_boot_info(2, 0x1000, m.view());
  REQUIRE(info);
  CHECK(info->command_line == "test=all");
  REQUIRE(info->module_count == 1);
  CHECK(info->modules[0].size == 123);
  REQUIRE(info->range_count == 1);
  CHECK(info->ranges[0].base == 0x100000);
}

TEST_CASE("a wrong magic number, version, protocol or address is refused with a reason") {
  Memory m = pvh();
  m.put<uint32_t>(0x1000, 0x12345678);
  CHECK_FALSE(parse_boot_info(1, 0x1000, m.view()));
  m = pvh();
  m.put<uint32_t>(0x1004, 0);
  CHECK(parse_boot_info(1, 0x1000, m.view()).error().find("version 0") != std::string_view::npos);
  CHECK_FALSE(parse_boot_info(3, 0x1000, m.view()));
  CHECK_FALSE(parse_boot_info(1, (64 << 10) - 8, m.view()));
  CHECK_FALSE(parse_boot_info(1, ~uint64_t{0} - 3, m.view()));
}

TEST_CASE("counts beyond the limits and ranges that wrap are refused") {
  Memory m = pvh();
  m.put<uint32_t>(0x1030, 1000);
  CHECK_FALSE(parse_boot_info(1, 0x1000, m.view()));
  m = pvh();
  m.put<uint32_t>(0x100c, 9);
  CHECK_FALSE(parse_boot_info(1, 0x1000, m.view()));
  m = pvh();
  m.put<uint64_t>(0x2020, ~uint64_t{0});
  CHECK_FALSE(parse_boot_info(1, 0x1000, m.view()));
}

TEST_CASE("a command line without end is refused") {
  Memory m = pvh();
  std::memset(m.bytes.data() + 0x4000, 'x', m.bytes.size() - 0x4000);
  CHECK(parse_boot_info(1, 0x1000, m.view()).error().find("command line") != std::string_view::npos);
}

TEST_CASE("every truncated or overlong multiboot2 tag is refused, none is read beyond") {
  const Memory good = multiboot2();
  uint32_t total = 0;
  std::memcpy(&total, good.bytes.data() + 0x1000, 4);
  for (uint32_t shorter = 0; shorter < total; ++shorter) {
    Memory m = good;
    m.put<uint32_t>(0x1000, shorter);
    CHECK_FALSE(parse_boot_info(2, 0x1000, m.view()));
  }
  for (const uint32_t size : {0u, 7u, 0xffffffffu}) {
    Memory m = good;
    m.put<uint32_t>(0x100c, size); // of the first tag
    CHECK_FALSE(parse_boot_info(2, 0x1000, m.view()));
  }
}
