// What a code generator makes of a module: position-independent machine code and the side tables that traps,
// backtraces and instantiation need. Pure data: exec/ copies it into code memory; nothing is relocated (calls inside
// the module are relative, everything else goes through the VMContext).
#pragma once
#include "runtime/binary/module.hpp"
#include "runtime/exec/vmctx.hpp"

namespace runtime {

struct TrapSite { // sorted by code_offset; a fault at exactly this pc is this trap
  uint32_t code_offset;
  uint32_t wasm_offset;
  TrapCode code; // from_status: the code is in eax
};
struct CallSite { // sorted by code_offset: return addresses
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

struct CompileOptions {
  bool deterministic = false; // NaN canonicalisation
  bool interruptible = true;  // epoch checks
};

// Validates every body and compiles it, in one pass over each. `module` must come from decode_module with `types`.
[[nodiscard]] Result<CompiledCode> compile_baseline(const DecodedModule& module, const TypeRegistry& types,
                                                    const CompileOptions& options = {});

// Trampolines between C++ and the wasm convention, for one function type.
//   entry: extern "C" uint32_t (*)(ExecContext*, const FuncRef*, uint64_t* values, Activation*): loads the parameters
//   from
//     values, fills and pushes the Activation, calls FuncRef.code with FuncRef.vmctx, stores results to values, pops,
//     returns 0; a trap lands in it and returns the TrapCode. Saves and restores all callee-saved registers.
//   host: FuncRef.code of a HostContext: spills the parameters into an array on the stack, notes
//   Activation::exit_pc/fp, calls
//     HostContext::function, loads the results, or traps with its status (a from_status TrapSite).
struct Trampolines {
  CompiledCode code; // functions[0] = entry, functions[1] = host
};
[[nodiscard]] Trampolines compile_trampolines(const FuncType& type);

} // namespace runtime
