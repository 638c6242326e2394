// The two ways between C++ and generated code for one function type (contract in codegen/tier.hpp; registers and
// frames in calling_convention.hpp). Written with the same emitter as everything else.
#include "runtime/codegen/tier.hpp"
#include "runtime/codegen/x86_64/calling_convention.hpp"
#include <algorithm>

namespace runtime {
namespace {

using namespace x86_64;

Width width_of(ValType type) { return type.kind() == ValKind::i32 ? Width::w32 : Width::w64; }

int32_t bytes_of(ValType type) { return type.kind() == ValKind::v128 ? 16 : 8; }

void load_xmm(Emitter& e, ValType type, Xmm to, const Mem& from) {
  if (type.kind() == ValKind::v128)
    e.packed(Packed1::movups, to, from);
  else
    e.movs(FloatWidth::f64, to, from);
}

void store_xmm(Emitter& e, ValType type, const Mem& to, Xmm from) {
  if (type.kind() == ValKind::v128)
    e.movups(to, from);
  else
    e.movs(FloatWidth::f64, to, from);
}

// The values from [base] up, 16 bytes for a vector and 8 for others, into their places, or back. r10 holds the
// ExecContext where overflow is used.
enum class Direction : uint8_t { load, store };
void move_values(Emitter& e, Gpr base, std::span<const ValType> types, Locations locations, Direction direction) {
  constexpr Gpr exec = Gpr::r10;
  int32_t at = 0;
  Locations again = locations;
  // Overflow first: it goes through xmm15, and loading the others may overwrite nothing it needs.
  for (const ValType type : types) {
    const Location place = again.next(type);
    const Mem value{base, at};
    at += bytes_of(type);
    if (!place.is_overflow()) continue;
    const Mem slot = overflow_slot(exec, place.overflow_index());
    load_xmm(e, type, kScratchXmm, direction == Direction::load ? value : slot);
    store_xmm(e, type, direction == Direction::load ? slot : value, kScratchXmm);
  }
  at = 0;
  for (const ValType type : types) {
    const Location place = locations.next(type);
    const Mem value{base, at};
    at += bytes_of(type);
    if (place.is_gpr()) {
      // Loads of i32 zero-extend: the caller's upper half is undefined.
      if (direction == Direction::load)
        e.mov(width_of(type), place.gpr(), value);
      else
        e.mov(Width::w64, value, place.gpr());
    } else if (place.is_xmm()) {
      if (direction == Direction::load)
        load_xmm(e, type, place.xmm(), value);
      else
        store_xmm(e, type, value, place.xmm());
    }
  }
}

Mem activation_field(Gpr activation, size_t offset) { return {activation, static_cast<int32_t>(offset)}; }

// extern "C" uint32_t entry(ExecContext* rdi, const FuncRef* rsi, uint64_t* values rdx, Activation* rcx)
void emit_entry(Emitter& e, CompiledCode& out, const FuncType& type) {
  const uint32_t begin = e.offset();
  constexpr Mem saved_values{Gpr::rbp, -48}, saved_activation{Gpr::rbp, -56}, saved_exec{Gpr::rbp, -64};
  constexpr std::array kSaved = {Gpr::rbx, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};
  constexpr Gpr exec = Gpr::r10, activation = Gpr::rcx, func = kScratch, values = Gpr::rax;
  e.push(Gpr::rbp);
  e.mov(Width::w64, Gpr::rbp, Gpr::rsp);
  (void)e.sub_imm32(Gpr::rsp, 64);
  int32_t at = 0;
  for (const Gpr reg : kSaved) e.mov(Width::w64, {Gpr::rbp, at -= 8}, reg);
  e.mov(Width::w64, saved_values, Gpr::rdx);
  e.mov(Width::w64, saved_activation, activation);
  e.mov(Width::w64, saved_exec, Gpr::rdi);

  e.mov(Width::w64, exec, Gpr::rdi);
  e.mov(Width::w64, func, Gpr::rsi);
  e.mov(Width::w64, values, {exec, offsetof(ExecContext, top)});
  e.mov(Width::w64, activation_field(activation, offsetof(Activation, previous)), values);
  Label landing;
  e.lea_label(values, landing);
  e.mov(Width::w64, activation_field(activation, offsetof(Activation, landing_pc)), values);
  e.mov(Width::w64, activation_field(activation, offsetof(Activation, landing_sp)), Gpr::rsp);
  e.mov(Width::w64, activation_field(activation, offsetof(Activation, landing_fp)), Gpr::rbp);
  e.mov(Width::w64, activation_field(activation, offsetof(Activation, entry_fp)), Gpr::rbp);
  e.mov_imm(Width::w64, activation_field(activation, offsetof(Activation, exit_pc)), 0);
  e.mov_imm(Width::w64, activation_field(activation, offsetof(Activation, exit_fp)), 0);
  e.mov(Width::w64, {exec, offsetof(ExecContext, top)}, activation);

  e.mov(Width::w64, values, Gpr::rdx);
  move_values(e, values, type.params, Locations::params(), Direction::load);
  e.mov(Width::w64, kVmctx, {func, offsetof(FuncRef, vmctx)});
  e.mov(Width::w64, kMemoryBase, kMemory0Base);
  e.alu(Alu::xor_, Width::w32, kCallerVmctx, kCallerVmctx);
  e.call({func, offsetof(FuncRef, code)});
  out.calls.push_back({e.offset(), 0});

  if (!type.results.empty()) {
    e.mov(Width::w64, exec, saved_exec);
    e.mov(Width::w64, func, saved_values);
    move_values(e, func, type.results, Locations::results(), Direction::store);
  }
  e.alu(Alu::xor_, Width::w32, Gpr::rax, Gpr::rax);
  // A trap lands here, with rsp and rbp of this frame and its code in eax.
  e.bind(landing);
  e.mov(Width::w64, exec, saved_exec);
  e.mov(Width::w64, activation, saved_activation);
  e.mov(Width::w64, Gpr::rdx, activation_field(activation, offsetof(Activation, previous)));
  e.mov(Width::w64, {exec, offsetof(ExecContext, top)}, Gpr::rdx);
  at = 0;
  for (const Gpr reg : kSaved) e.mov(Width::w64, reg, {Gpr::rbp, at -= 8});
  e.leave();
  e.ret();
  out.functions.push_back({begin, e.offset()});
}

// Called in the wasm convention with a HostContext in r14 and the caller's VMContext in rax.
void emit_host(Emitter& e, CompiledCode& out, const FuncType& type) {
  e.align(16);
  const uint32_t begin = e.offset();
  constexpr Gpr exec = Gpr::r10;
  const auto bytes = static_cast<int32_t>((8 * value_words(type) + 15) / 16 * 16);
  e.push(Gpr::rbp);
  e.mov(Width::w64, Gpr::rbp, Gpr::rsp);
  (void)e.sub_imm32(Gpr::rsp, bytes);
  e.mov(Width::w64, exec, kExec);
  move_values(e, Gpr::rsp, type.params, Locations::params(), Direction::store);

  // The innermost wasm frame, for stack walks that start in a nested call.
  e.mov(Width::w64, kScratch, {exec, offsetof(ExecContext, top)});
  e.mov(Width::w64, Gpr::rdx, {Gpr::rbp, 8});
  e.mov(Width::w64, activation_field(kScratch, offsetof(Activation, exit_pc)), Gpr::rdx);
  e.mov(Width::w64, Gpr::rdx, Mem{Gpr::rbp});
  e.mov(Width::w64, activation_field(kScratch, offsetof(Activation, exit_fp)), Gpr::rdx);

  e.mov(Width::w64, Gpr::rdi, vmctx_field(offsetof(HostContext, data)));
  e.mov(Width::w64, Gpr::rsi, kCallerVmctx);
  e.mov(Width::w64, Gpr::rdx, Gpr::rsp);
  e.call(vmctx_field(offsetof(HostContext, function)));
  out.calls.push_back({e.offset(), 0});
  e.test(Width::w32, Gpr::rax, Gpr::rax);
  Label trap;
  e.jcc(Cond::ne, trap);
  if (!type.results.empty()) {
    e.mov(Width::w64, exec, kExec);
    move_values(e, Gpr::rsp, type.results, Locations::results(), Direction::load);
  }
  e.leave();
  e.ret();
  e.bind(trap);
  out.traps.push_back({e.offset(), 0, TrapCode::from_status});
  e.ud2();
  out.functions.push_back({begin, e.offset()});
}

} // namespace

Trampolines compile_trampolines(const FuncType& type) {
  Trampolines result;
  Emitter e(result.code.code);
  emit_entry(e, result.code, type);
  emit_host(e, result.code, type);
  e.finish();
  return result;
}

} // namespace runtime
