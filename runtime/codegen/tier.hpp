// A tier: one compiler from validated modules to machine code. The only header of codegen/ that exec/ knows. All tiers
// share the calling convention (runtime/abi/), so the code of one calls the code of another, and the trampolines are
// the same for all.
#pragma once
#include "runtime/abi/compiled_code.hpp"

namespace runtime {

struct DecodedModule;
struct FuncType;
class TypeRegistry;

// Which encodings vector instructions have: the best that the processor runs, or those that every one runs. Results are
// the same.
enum class VectorEncoding : uint8_t { best, floor };

struct CompileOptions {
  bool deterministic = false; // NaN canonicalisation
  bool interruptible = true;  // epoch checks
  VectorEncoding vector_encoding = VectorEncoding::best;
};

// Stateless and thread-safe: any number of modules may be compiled at the same time.
struct Tier {
  const char* name;
  // Validates every body and compiles it, in one pass over each. `module` must come from decode_module with `types`.
  // Errors: what validation finds; limit; unsupported, where an instruction or the processor is not.
  Result<CompiledCode> (*compile)(const DecodedModule& module, const TypeRegistry& types,
                                  const CompileOptions& options);
};
[[nodiscard]] const Tier& baseline_tier(); // single-pass: compiles fast

// Trampolines between C++ and the wasm convention, for one function type.
//   entry: an EntryTrampoline (runtime/abi/calling_convention.hpp). Saves and restores all callee-saved registers.
//   host: FuncRef::code of a HostContext: spills the parameters into an array on the stack, notes
//     Activation::exit_pc/fp, calls HostContext::function, loads the results, or traps with its status (a from_status
//     TrapSite).
struct Trampolines {
  CompiledCode code; // functions[0] = entry, functions[1] = host
};
[[nodiscard]] Trampolines compile_trampolines(const FuncType& type);

} // namespace runtime
