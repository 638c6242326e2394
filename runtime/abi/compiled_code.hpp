// Compiled code: position-independent machine code and the side tables that traps, backtraces and instantiation need.
// Every tier makes it, exec/ copies it into code memory and looks things up in it. Pure data; nothing is relocated:
// calls inside the module are relative, everything else goes through the VMContext.
//
// All tables are sorted by code_offset, and each answers one question about a pc: which trap is a fault here
// (TrapSite), which instruction called from here (CallSite), which function is this (CodeRange). What the next work
// adds keeps to that: a stack map names the slots and registers that hold references at one CallSite, and a handler
// table names, for a CallSite inside a try_table, where its catch clauses go on. Both are keyed by return address, so
// they stand beside `calls` as tables of their own, and a function that needs neither pays for neither.
#pragma once
#include "runtime/types/error.hpp"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace runtime {

struct TrapSite { // a fault at exactly this pc is this trap
  uint32_t code_offset;
  uint32_t wasm_offset;
  TrapCode code; // from_status: the code is in the result register
};
struct CallSite { // code_offset: the return address
  uint32_t code_offset;
  uint32_t wasm_offset;
};
struct CodeRange {
  uint32_t begin = 0, end = 0; // offsets into code
};

struct CompiledCode {
  std::vector<std::byte> code;
  std::vector<CodeRange> functions; // by defined-function number; begin is the entry in the wasm convention
  std::vector<TrapSite> traps;
  std::vector<CallSite> calls;
};

} // namespace runtime
