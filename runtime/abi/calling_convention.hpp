// The wasm calling convention as far as no processor is named: what the runtime may rely on when it enters generated
// code, walks its stack, or is called by it. Which registers it means is in codegen/ (x86_64/calling_convention.hpp).
//
//  - A function of generated code runs with two fixed registers: the VMContext of its instance, and the base of that
//    instance's memory 0. Who calls out of the instance switches both before and restores them after.
//  - Parameters and results travel in registers, in order; what they do not hold, in ExecContext::overflow, which the
//    receiver reads before anything else can run. Never on the stack: a tail call to any type is a jump.
//  - The callee learns the caller's VMContext where it may be a host function (null: the host itself calls).
//  - Every function keeps the frame pointer, so that stacks can be walked without tables: it points to a FrameRecord.
//  - C++ is entered through Libcalls and HostContext::function in the platform's own convention; none of the registers
//    that hold wasm's fixed state are lost by that.
#pragma once
#include "runtime/abi/vmctx.hpp"
#include <algorithm>

namespace runtime {

// What a frame pointer of generated code points to.
struct FrameRecord {
  uintptr_t caller_fp; // above this one: stacks grow down
  uintptr_t return_pc; // in the caller, behind the call: a CallSite
};

// From C++ into generated code: loads the parameters from `values`, fills and pushes the Activation, calls
// FuncRef::code with FuncRef::vmctx, stores the results to `values`, pops. Returns 0, or the TrapCode of a trap, which
// lands in it. `values` has room for value_words() words of 8 bytes: parameters go in and results come out in order, a
// v128 in two words, the lower half first.
using EntryTrampoline = uint32_t (*)(ExecContext*, const FuncRef*, uint64_t* values, Activation*);

[[nodiscard]] inline size_t value_words(const FuncType& type) {
  const auto words = [](const std::vector<ValType>& types) {
    return types.size() + static_cast<size_t>(std::ranges::count(types, ValType(ValKind::v128)));
  };
  return std::max(words(type.params), words(type.results));
}

// Generated code checks the stack when a function is entered, before it takes its frame: a frame of at most this size
// may lie below ExecContext::stack_limit, and the platform leaves far more there. Larger frames are checked exactly.
inline constexpr uint32_t kUncheckedFrameBytes = 4096;
inline constexpr uint32_t kMaxFrameBytes = 1 << 20;

static_assert(kMaxOverflowValues >= 2 * 1000, "binary/module.hpp allows 1,000 parameters or results of 16 bytes");

} // namespace runtime
