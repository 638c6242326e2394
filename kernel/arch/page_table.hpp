// The processor's page table. One address space for everything: kernel in the upper half, guests' reservations in the
// lower; isolation is the compiler's. No page is writable and executable: there is no such access. Not interrupt-safe.
#pragma once
#include <cstdint>
#include <optional>

namespace kernel::arch {

enum class Access : uint8_t {
  read,       // never executed
  read_write, // never executed
  execute,    // and read
  device,     // read and written uncached, never executed
};

// Where page tables take their own memory from. Physical addresses of whole pages below kMaxPhysical.
struct FrameSource {
  std::optional<uint64_t> (*allocate_zeroed)(); // nothing: out of memory
  void (*release)(uint64_t physical);
};

enum class MapResult : uint8_t {
  mapped,
  no_memory, // for tables; pages mapped so far stay: the caller unmaps the range
  occupied,  // a page is mapped already; pages before it stay mapped
};

class PageTable {
public:
  PageTable() = default; // of no use but to be assigned
  // An empty one; nothing: out of memory. `frames` must outlive it.
  [[nodiscard]] static std::optional<PageTable> create(const FrameSource& frames);
  // Maps pages [address, address + size) to physical memory from `physical` on; larger pages where `large` is set and
  // alignment allows.
  [[nodiscard]] MapResult map(uint64_t address, uint64_t physical, uint64_t size, Access access, bool large = false);
  // The physical address of a mapped page (not a large one), removed; nothing where none is mapped.
  std::optional<uint64_t> unmap_page(uint64_t address);
  // The first mapped page (not a large one) in [address, end), or `end`. Skips missing tables, so that sparse ranges
  // cost little.
  [[nodiscard]] uint64_t next_mapped(uint64_t address, uint64_t end) const;
  // Physical address of a byte, if mapped.
  [[nodiscard]] std::optional<uint64_t> translate(uint64_t address) const;
  // Gives back the tables of a range in which nothing is mapped any more.
  void release_tables(uint64_t address, uint64_t size);
  void activate() const; // on this processor

private:
  uint64_t* entry_of(uint64_t address, bool create); // of the page; nullptr: no table
  const FrameSource* frames_ = nullptr;
  uint64_t root_ = 0; // physical
};

} // namespace kernel::arch
