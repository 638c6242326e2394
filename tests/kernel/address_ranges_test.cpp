#include <new>

#include <catch2/catch.hpp>

#include "kernel/memory/address_ranges.hpp"
#include <map>
#include <random>

using kernel::AddressRanges;

TEST_CASE("a page lies free between any two reservations") {
  AddressRanges ranges(0x10000, 0x20000);
  const auto first = ranges.reserve(0x1000);
  const auto second = ranges.reserve(0x2000);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*second >= *first + 0x2000);
}

TEST_CASE("sizes that are zero, odd or beyond the region are refused") {
  AddressRanges ranges(0x10000, 0x20000);
  CHECK_FALSE(ranges.reserve(0));
  CHECK_FALSE(ranges.reserve(0x1001));
  CHECK_FALSE(ranges.reserve(0x10000)); // no room for the gap
  CHECK_FALSE(ranges.reserve(~uint64_t{0xfff}));
  CHECK(ranges.reserve(0xf000));
}

TEST_CASE("only what is reserved can be released, and once") {
  AddressRanges ranges(0x10000, 0x20000);
  const auto base = ranges.reserve(0x3000);
  CHECK_FALSE(ranges.release(*base, 0x2000));
  CHECK_FALSE(ranges.release(*base + 0x1000, 0x2000));
  CHECK(ranges.contains(*base + 0x1000, 0x2000));
  CHECK_FALSE(ranges.contains(*base + 0x1000, 0x2001));
  CHECK_FALSE(ranges.contains(*base - 1, 1));
  CHECK(ranges.release(*base, 0x3000));
  CHECK_FALSE(ranges.release(*base, 0x3000));
  CHECK_FALSE(ranges.contains(*base, 1));
}

TEST_CASE("random reserving and releasing never overlaps, and in the end the whole region is free again") {
  constexpr uint64_t kBegin = 0x100000, kEnd = 0x900000;
  AddressRanges ranges(kBegin, kEnd);
  std::mt19937_64 random(3);
  std::map<uint64_t, uint64_t> live;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      const uint64_t size = (random() % 64 + 1) * 0x1000;
      const auto base = ranges.reserve(size);
      if (!base) continue;
      REQUIRE(*base >= kBegin);
      REQUIRE(*base + size <= kEnd);
      const auto next = live.lower_bound(*base);
      if (next != live.end()) REQUIRE(*base + size < next->first);
      if (next != live.begin()) REQUIRE(std::prev(next)->first + std::prev(next)->second < *base);
      live.emplace(*base, size);
    } else if (!live.empty()) {
      auto it = live.begin();
      std::advance(it, static_cast<long>(random() % live.size()));
      REQUIRE(ranges.release(it->first, it->second));
      live.erase(it);
    }
  }
  for (const auto& [base, size] : live) REQUIRE(ranges.release(base, size));
  CHECK(ranges.reserved_bytes() == 0);
  CHECK(ranges.reserve(kEnd - kBegin - 0x1000) == kBegin);
}
