// The four-level page table (Intel SDM 3, 4.5). One address space for everything: kernel in the upper half, guests'
// reservations in the lower; isolation is the compiler's. No page is writable and executable: map() refuses it.
#pragma once
#include <cstdint>
#include <optional>

namespace kernel::arch {

enum class Access : uint8_t {
  read,       // R, NX
  read_write, // RW, NX
  execute,    // R+X
  device,     // RW, NX, uncached
};

class PageTable {
public:
  // Starts with an empty top table. Panics without memory.
  static PageTable create();
  // Maps 4 KiB pages [address, address + size) to physical memory from `physical` on; 2 MiB pages where `large` is set
  // and alignment allows. False: out of memory for tables (pages mapped so far stay: the caller unmaps the range). A
  // page that is mapped already is a panic.
  [[nodiscard]] bool map(uint64_t address, uint64_t physical, uint64_t size, Access access, bool large = false);
  // The physical address of a mapped 4 KiB page, removed; nothing where none is mapped.
  std::optional<uint64_t> unmap_page(uint64_t address);
  // The first mapped 4 KiB page in [address, end), or `end`. Skips missing tables, so that sparse ranges cost little.
  [[nodiscard]] uint64_t next_mapped(uint64_t address, uint64_t end) const;
  // Physical address of a byte, if mapped.
  [[nodiscard]] std::optional<uint64_t> translate(uint64_t address) const;
  // Gives back the tables of a range in which nothing is mapped any more.
  void release_tables(uint64_t address, uint64_t size);
  void activate() const; // loads CR3

private:
  uint64_t* entry_of(uint64_t address, bool create); // of the 4 KiB page; nullptr: no table
  uint64_t root_ = 0;                                // physical
};

PageTable& page_table(); // the machine's, after set_up_kernel_map()

} // namespace kernel::arch
