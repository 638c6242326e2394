// The wasm calling convention (runtime/abi/calling_convention.hpp) on x86-64: its registers, and the frame that every
// compiled function builds.
//
// Registers
//   r14  the VMContext of the running instance          r15  base of its memory 0
//     Both hold during a whole function. A call that may leave the instance (imports, call_indirect, call_ref) is
//     responsible for switching them before and restoring them after; calls inside the module do nothing.
//   rbp  frame pointer: [rbp] = caller's rbp, [rbp + 8] = return address, always, so that stacks can be walked
//   rbx, r12, r13  preserved by the callee: hot locals live here, and calls cost them nothing
//   all others  not preserved
//   r11, xmm15  scratch inside one instruction's code, never allocated
// rbx, rbp and r12 to r15 are also what the System V convention preserves: C++ can be called without saving them.
//
// Parameters: integers and references in rsi, rdx, rcx, r8, r9, rdi (System V's order after its first, where libcalls
// have the VMContext), floats and vectors in xmm0 to xmm7, in order; the others, in order, in ExecContext::overflow,
// which the callee reads before anything else can run. Never on the stack: a tail call to any type is a jump. rax: the
// caller's VMContext where the callee may be a host function (null: the host itself calls). Results: integers in rax,
// rdx, rcx, rsi, floats and vectors in xmm0 to xmm3, the others in ExecContext::overflow, where a vector has two
// places. An i32 in a register is zero-extended to 64 bits: addresses need no extension. In memory the upper half is
// undefined.
//
// Frame: push rbp; mov rbp, rsp; then at [rbp - 8], [rbp - 16], [rbp - 24] the saved rbx, r12, r13 if used, at
// [rbp - 32] r14 while another instance runs, below that one slot for every local, then one for every value of the
// operand stack that had to be stored; a slot has 16 bytes in functions that may hold vectors, else 8. rsp is a
// multiple of 16 at every call.
#pragma once
#include "runtime/abi/calling_convention.hpp"
#include "runtime/codegen/x86_64/emitter.hpp"
#include <array>
#include <span>

namespace runtime::x86_64 {

inline constexpr Gpr kVmctx = Gpr::r14, kMemoryBase = Gpr::r15, kScratch = Gpr::r11;
inline constexpr Xmm kScratchXmm = Xmm::xmm15;
inline constexpr Gpr kCallerVmctx = Gpr::rax;

inline constexpr std::array kIntegerParams = {Gpr::rsi, Gpr::rdx, Gpr::rcx, Gpr::r8, Gpr::r9, Gpr::rdi};
inline constexpr uint32_t kFloatParams = 8;
inline constexpr std::array kIntegerResults = {Gpr::rax, Gpr::rdx, Gpr::rcx, Gpr::rsi};
inline constexpr uint32_t kFloatResults = 4;
inline constexpr std::array kPreserved = {Gpr::rbx, Gpr::r12, Gpr::r13};

inline constexpr int32_t kSavedVmctx = -32; // from rbp
inline constexpr uint32_t kFrameHeaderBytes = 32;

// Where one parameter or result travels.
class Location {
public:
  explicit constexpr Location(Gpr reg) : place_(Place::gpr), gpr_(reg) {}
  explicit constexpr Location(Xmm reg) : place_(Place::xmm), xmm_(reg) {}
  [[nodiscard]] static constexpr Location overflow(uint32_t index) { return Location{index}; }
  [[nodiscard]] bool is_gpr() const { return place_ == Place::gpr; }
  [[nodiscard]] bool is_xmm() const { return place_ == Place::xmm; }
  [[nodiscard]] bool is_overflow() const { return place_ == Place::overflow; }
  [[nodiscard]] Gpr gpr() const { return gpr_; } // each only where it is one
  [[nodiscard]] Xmm xmm() const { return xmm_; }
  [[nodiscard]] uint32_t overflow_index() const { return overflow_index_; } // into ExecContext::overflow

private:
  explicit constexpr Location(uint32_t index) : place_(Place::overflow), overflow_index_(index) {}
  enum class Place : uint8_t { gpr, xmm, overflow } place_;
  union {
    Gpr gpr_;
    Xmm xmm_;
    uint32_t overflow_index_;
  };
};

// Hands out the locations of a signature in order.
class Locations {
public:
  [[nodiscard]] static Locations params() { return {kIntegerParams, kFloatParams}; }
  [[nodiscard]] static Locations results() { return {kIntegerResults, kFloatResults}; }
  [[nodiscard]] Location next(ValType type) {
    const bool is_vector = type.kind() == ValKind::v128;
    if (type.is_float() || is_vector) {
      if (floats_ < float_count_) return Location{static_cast<Xmm>(floats_++)};
    } else if (integers_ < integer_registers_.size()) {
      return Location{integer_registers_[integers_++]};
    }
    const uint32_t index = overflow_;
    overflow_ += is_vector ? 2 : 1;
    return Location::overflow(index);
  }

private:
  Locations(std::span<const Gpr> integers, uint32_t floats) : integer_registers_(integers), float_count_(floats) {}
  std::span<const Gpr> integer_registers_;
  uint32_t float_count_, integers_ = 0, floats_ = 0, overflow_ = 0;
};

// Offsets into the structures of abi/vmctx.hpp.
[[nodiscard]] constexpr Mem vmctx_field(size_t offset) { return {kVmctx, static_cast<int32_t>(offset)}; }
inline constexpr Mem kExec = vmctx_field(offsetof(VMContext, exec));
inline constexpr Mem kMemory0Base = vmctx_field(offsetof(VMContext, memory0_base));
[[nodiscard]] constexpr Mem overflow_slot(Gpr exec, uint32_t index) {
  return {exec, static_cast<int32_t>(offsetof(ExecContext, overflow) + 8 * size_t{index})};
}

} // namespace runtime::x86_64
