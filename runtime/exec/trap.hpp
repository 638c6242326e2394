// Traps: from a fault in generated code to an Error with a backtrace. Private to exec/.
//
// A trap is a fault at a pc that the module's table names. The handler runs on the faulting thread, finds the Store
// that is running there, notes code and stack, and goes on at the landing of the innermost Activation: the epilogue of
// the entry trampoline, which returns the TrapCode to Store::call. No C++ frame lies between a trap and its landing,
// since every call from the host has its own Activation; a trap that passes a host function does so as its Error.
#pragma once
#include "runtime/exec/code.hpp"

namespace runtime {

inline constexpr size_t kMaxBacktraceFrames = 64; // innermost; a stack overflow has hundreds of thousands

struct CapturedTrap {
  uintptr_t address = 0; // what a memory access touched
  size_t count = 0;
  bool truncated = false;
  struct Pc {
    const CodeObject* code;
    uint32_t code_offset, wasm_offset;
  } frames[kMaxBacktraceFrames];
};

// The store whose guest runs on this thread (null: none). Returns the one before.
Store::Impl* set_current_store(Store::Impl* store);
// Installs the fault handler; idempotent.
void install_fault_handler();

// The frames of a captured trap with names, innermost first.
[[nodiscard]] std::vector<Frame> name_frames(const CapturedTrap& trap);

} // namespace runtime
