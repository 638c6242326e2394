// Backtraces along the frame-pointer chain (everything of ours is compiled with -fno-omit-frame-pointer), with names
// from the table that the second link appends (debug/symbol_table.py).
#pragma once
#include <cstdint>
#include <string_view>

namespace kernel {

struct Symbol {
  std::string_view name; // demangled, without parameters; empty: unknown
  uint64_t offset = 0;   // of the address from the symbol's start
};
Symbol find_symbol(uint64_t address);

// Prints `pc` and the callers above the frame that `fp` points to, innermost first, one a line. Reads memory only
// through probe(), so that a broken chain ends the list.
void print_backtrace(std::string_view prefix, uint64_t pc, uint64_t fp);

} // namespace kernel
