// The four-level page table (Intel SDM 3, 4.5): pages of 4 KiB, large ones of 2 MiB.
#include "kernel/arch/page_table.hpp"
#include "kernel/arch/layout.hpp"
#include "kernel/arch/x86_64/instructions.hpp"

namespace kernel::arch {
namespace {

constexpr uint64_t kPresent = 1, kWritable = 2, kWriteThrough = 8, kUncached = 16, kLarge = 128;
constexpr uint64_t kNoExecute = uint64_t{1} << 63;
constexpr uint64_t kAddressMask = 0x000ffffffffff000;
constexpr uint64_t kLargeSize = 2 << 20;

constexpr uint64_t flags_of(Access access) {
  switch (access) {
  case Access::read: return kPresent | kNoExecute;
  case Access::read_write: return kPresent | kWritable | kNoExecute;
  case Access::execute: return kPresent;
  case Access::device: return kPresent | kWritable | kNoExecute | kUncached | kWriteThrough;
  }
  return 0;
}

uint64_t* table_at(uint64_t entry) { return reinterpret_cast<uint64_t*>(kDirectMap + (entry & kAddressMask)); }
uint64_t index_at(uint64_t address, int level) { return address >> (12 + 9 * level) & 511; } // level 3 is the top

} // namespace

std::optional<PageTable> PageTable::create(const FrameSource& frames) {
  const auto root = frames.allocate_zeroed();
  if (!root) return std::nullopt;
  PageTable table;
  table.frames_ = &frames;
  table.root_ = *root;
  return table;
}

uint64_t* PageTable::entry_of(uint64_t address, bool create) {
  uint64_t* table = table_at(root_);
  for (int level = 3; level > 0; --level) {
    uint64_t& entry = table[index_at(address, level)];
    if ((entry & kPresent) == 0) {
      if (!create) return nullptr;
      const auto frame = frames_->allocate_zeroed();
      if (!frame) return nullptr;
      entry = *frame | kPresent | kWritable; // the leaf decides
    } else if ((entry & kLarge) != 0) {
      return nullptr;
    }
    table = table_at(entry);
  }
  return &table[index_at(address, 0)];
}

MapResult PageTable::map(uint64_t address, uint64_t physical, uint64_t size, Access access, bool large) {
  const uint64_t end = address + size;
  while (address != end) {
    if (large && address % kLargeSize == 0 && physical % kLargeSize == 0 && end - address >= kLargeSize) {
      uint64_t* table = table_at(root_);
      for (int level = 3; level > 1; --level) {
        uint64_t& entry = table[index_at(address, level)];
        if ((entry & kPresent) == 0) {
          const auto frame = frames_->allocate_zeroed();
          if (!frame) return MapResult::no_memory;
          entry = *frame | kPresent | kWritable;
        }
        table = table_at(entry);
      }
      uint64_t& entry = table[index_at(address, 1)];
      if ((entry & kPresent) == 0) {
        entry = physical | flags_of(access) | kLarge;
        address += kLargeSize;
        physical += kLargeSize;
        continue;
      }
    }
    uint64_t* entry = entry_of(address, true);
    if (!entry) return MapResult::no_memory;
    if ((*entry & kPresent) != 0) return MapResult::occupied;
    *entry = physical | flags_of(access);
    address += kPageSize;
    physical += kPageSize;
  }
  return MapResult::mapped;
}

std::optional<uint64_t> PageTable::unmap_page(uint64_t address) {
  uint64_t* entry = entry_of(address, false);
  if (!entry || (*entry & kPresent) == 0) return std::nullopt;
  const uint64_t physical = *entry & kAddressMask;
  *entry = 0;
  invalidate_page(address);
  return physical;
}

uint64_t PageTable::next_mapped(uint64_t address, uint64_t end) const {
  while (address < end) {
    const uint64_t* table = table_at(root_);
    uint64_t skip = 0;
    for (int level = 3; level >= 0 && skip == 0; --level) {
      const uint64_t entry = table[index_at(address, level)];
      if ((entry & kPresent) == 0 || (level > 0 && (entry & kLarge) != 0))
        skip = uint64_t{1} << (12 + 9 * level);
      else if (level > 0)
        table = table_at(entry);
    }
    if (skip == 0) return address;
    address = (address & ~(skip - 1)) + skip;
  }
  return end;
}

std::optional<uint64_t> PageTable::translate(uint64_t address) const {
  const uint64_t* table = table_at(root_);
  for (int level = 3; level >= 0; --level) {
    const uint64_t entry = table[index_at(address, level)];
    if ((entry & kPresent) == 0) return std::nullopt;
    if (level == 1 && (entry & kLarge) != 0) return (entry & kAddressMask & ~(kLargeSize - 1)) | address % kLargeSize;
    if (level == 0) return (entry & kAddressMask) | address % kPageSize;
    table = table_at(entry);
  }
  return std::nullopt;
}

void PageTable::release_tables(uint64_t address, uint64_t size) {
  // Bottom-up: first the tables of 2 MiB pieces, then of 1 GiB, then of 512 GiB. A table that still has an entry stays.
  for (int level = 1; level <= 3; ++level) {
    const uint64_t piece = uint64_t{1} << (12 + 9 * level);
    for (uint64_t at = address & ~(piece - 1); at < address + size;) {
      uint64_t* table = table_at(root_);
      uint64_t absent = 0; // the size that a missing table lets us skip
      for (int l = 3; l > level; --l) {
        const uint64_t entry = table[index_at(at, l)];
        if ((entry & kPresent) == 0) {
          absent = uint64_t{1} << (12 + 9 * l);
          break;
        }
        table = table_at(entry);
      }
      if (absent != 0) {
        at = (at & ~(absent - 1)) + absent;
        continue;
      }
      uint64_t& entry = table[index_at(at, level)];
      if ((entry & kPresent) != 0 && (entry & kLarge) == 0) {
        const uint64_t* lower = table_at(entry);
        bool empty = true;
        for (int i = 0; i < 512 && empty; ++i) empty = (lower[i] & kPresent) == 0;
        if (empty) {
          frames_->release(entry & kAddressMask);
          entry = 0;
          invalidate_page(at); // also drops the processor's cached upper levels
        }
      }
      at += piece;
    }
  }
}

void PageTable::activate() const { write_cr3(root_); }

} // namespace kernel::arch
