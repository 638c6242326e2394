// The baseline compiler: memory instructions (spec §4.4.7).
//
// 32-bit memories: exec/ reserves 8 GiB + 64 KiB for each, so base + zero-extended index + 32-bit offset + 16 bytes
// never leaves the reservation, and what is not committed faults; the access's pc is the TrapSite. 64-bit memories: the
// end of the access is compared with the size first.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

void Baseline::load_memory_pointer(Gpr to, uint32_t memory) {
  if (memory == 0) return e_.mov(Width::w64, to, vmctx_field(offsetof(VMContext, memory0)));
  e_.mov(Width::w64, to, vmctx_field(offsetof(VMContext, memories)));
  e_.mov(Width::w64, to, {to, static_cast<int32_t>(8 * memory)});
}

Baseline::Address Baseline::address(const MemArg& memarg, uint32_t size_bytes) {
  Address result;
  result.index = pop();
  Operand& index = result.index;
  if (!is_64_bit_memory(memarg.memory)) {
    Gpr base = kMemoryBase;
    if (memarg.memory != 0) {
      base = result.base = alloc_gpr();
      load_memory_pointer(base, memarg.memory);
      e_.mov(Width::w64, base, {base, offsetof(VMMemory, base)});
    }
    const uint64_t offset = memarg.offset + (index.is_constant() ? index.bits() : 0); // each below 2^32
    if (index.is_constant()) {
      if (offset <= INT32_MAX) {
        result.mem = {base, static_cast<int32_t>(offset)};
      } else {
        e_.mov_imm(kScratch, offset);
        result.mem = {base, 0, kScratch, 0};
      }
    } else if (offset <= INT32_MAX) {
      result.mem = {base, static_cast<int32_t>(offset), to_gpr(index), 0};
    } else {
      const Gpr reg = to_gpr(index);
      e_.mov_imm(kScratch, offset);
      e_.alu(Alu::add, Width::w64, kScratch, reg);
      result.mem = {base, 0, kScratch, 0};
    }
    return result;
  }
  // r11 = index + offset + size, the end of the access, without wrapping; then compared with the size of the memory.
  const Gpr reg = to_gpr(index);
  result.base = alloc_gpr();
  const uint64_t end = memarg.offset + size_bytes;
  if (end < memarg.offset) {
    trap_jumps_.push_back({e_.jmp_rel32(), position_, TrapCode::memory_out_of_bounds});
  } else if (end <= INT32_MAX) {
    e_.mov(Width::w64, kScratch, reg);
    e_.alu_imm(Alu::add, Width::w64, kScratch, static_cast<int32_t>(end));
    trap_if(Cond::b, TrapCode::memory_out_of_bounds);
  } else {
    e_.mov_imm(kScratch, end);
    e_.alu(Alu::add, Width::w64, kScratch, reg);
    trap_if(Cond::b, TrapCode::memory_out_of_bounds);
  }
  load_memory_pointer(result.base, memarg.memory);
  e_.alu(Alu::cmp, Width::w64, kScratch, {result.base, offsetof(VMMemory, size_bytes)});
  trap_if(Cond::a, TrapCode::memory_out_of_bounds);
  Gpr base = kMemoryBase;
  if (memarg.memory != 0) {
    base = result.base;
    e_.mov(Width::w64, base, {base, offsetof(VMMemory, base)});
  }
  result.mem = {base, -static_cast<int32_t>(size_bytes), kScratch, 0};
  return result;
}

void Baseline::release(const Address& address) {
  release(address.index);
  if (address.base != kNoGpr) gprs_.release(address.base);
}

Result<void> Baseline::load(Op op, const MemArg& memarg) {
  settle_flags();
  if (e_.offset() > code_limit_) [[unlikely]]
    return check_code_size();
  const OpInfo& info = op_info(op);
  const Address from = address(memarg, 1u << info.natural_align_log2());
  if (info.result == ValKind::f32 || info.result == ValKind::f64) {
    release(from);
    Xmm to = destination_xmm(2);
    if (to == kNoXmm) to = alloc_xmm();
    trap_site(TrapCode::memory_out_of_bounds);
    e_.movs(float_width_of(info.result), to, from.mem);
    push_xmm(info.result, to);
    return {};
  }
  // The address's registers are released first: the result may take their place.
  release(from);
  Gpr to = destination_gpr(2);
  if (to == kNoGpr) to = is_temporary(from.index) ? from.index.gpr() : alloc_gpr();
  if (is_temporary(from.index) && to == from.index.gpr()) gprs_.take(to);
  trap_site(TrapCode::memory_out_of_bounds);
  constexpr Width w32 = Width::w32, w64 = Width::w64;
  switch (op) {
  case Op::i32_load:
  case Op::i64_load32_u: e_.mov(w32, to, from.mem); break;
  case Op::i64_load: e_.mov(w64, to, from.mem); break;
  case Op::i32_load8_s: e_.movsx8(w32, to, from.mem); break;
  case Op::i64_load8_s: e_.movsx8(w64, to, from.mem); break;
  case Op::i32_load8_u:
  case Op::i64_load8_u: e_.movzx8(to, from.mem); break;
  case Op::i32_load16_s: e_.movsx16(w32, to, from.mem); break;
  case Op::i64_load16_s: e_.movsx16(w64, to, from.mem); break;
  case Op::i32_load16_u:
  case Op::i64_load16_u: e_.movzx16(to, from.mem); break;
  case Op::i64_load32_s: e_.movsxd(to, from.mem); break;
  default: return unsupported(op);
  }
  push_gpr(info.result, to);
  return {};
}

Result<void> Baseline::store(Op op, const MemArg& memarg) {
  settle_flags();
  if (e_.offset() > code_limit_) [[unlikely]]
    return check_code_size();
  const OpInfo& info = op_info(op);
  const uint32_t size_log2 = info.natural_align_log2();
  Operand value = pop();
  const bool constant = value.is_constant() &&
                        (size_log2 < 3 || static_cast<int64_t>(value.bits()) == static_cast<int32_t>(value.bits()));
  Gpr reg = kNoGpr;
  Xmm xmm = kNoXmm;
  if (!constant) {
    if (value.is_float())
      xmm = to_xmm(value);
    else
      reg = to_gpr(value);
  }
  const Address to = address(memarg, 1u << size_log2);
  trap_site(TrapCode::memory_out_of_bounds);
  if (constant) {
    switch (size_log2) {
    case 0: e_.mov8_imm(to.mem, static_cast<uint8_t>(value.bits())); break;
    case 1: e_.mov16_imm(to.mem, static_cast<uint16_t>(value.bits())); break;
    case 2: e_.mov_imm(Width::w32, to.mem, static_cast<int32_t>(value.bits())); break;
    default: e_.mov_imm(Width::w64, to.mem, static_cast<int32_t>(value.bits())); break;
    }
  } else if (xmm != kNoXmm) {
    e_.movs(value.float_width(), to.mem, xmm);
  } else {
    switch (size_log2) {
    case 0: e_.mov8(to.mem, reg); break;
    case 1: e_.mov16(to.mem, reg); break;
    case 2: e_.mov(Width::w32, to.mem, reg); break;
    default: e_.mov(Width::w64, to.mem, reg); break;
    }
  }
  release(to);
  release(value);
  return {};
}

Result<void> Baseline::memory_size(uint32_t memory) {
  settle_flags();
  const Gpr reg = alloc_gpr();
  load_memory_pointer(reg, memory);
  e_.mov(Width::w64, reg, {reg, offsetof(VMMemory, size_bytes)});
  e_.shift_imm(Shift::shr, Width::w64, reg, 16);
  push_gpr(is_64_bit_memory(memory) ? ValKind::i64 : ValKind::i32, reg);
  return check_code_size();
}

Result<void> Baseline::memory_grow(uint32_t memory) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, memory_grow), .immediate = memory, .arguments = 1});
  push_status_result(is_64_bit_memory(memory));
  return check_code_size();
}

Result<void> Baseline::memory_fill(uint32_t memory) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, memory_fill), .immediate = memory, .arguments = 3, .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::memory_copy(uint32_t to, uint32_t from) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, memory_copy),
           .immediate = uint64_t{to} << 32 | from,
           .arguments = 3,
           .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::memory_init(uint32_t segment, uint32_t memory) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, memory_init),
           .immediate = uint64_t{segment} << 32 | memory,
           .arguments = 3,
           .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::data_drop(uint32_t segment) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, data_drop), .immediate = segment});
  return check_code_size();
}

// rax as the result of grow: an old size, or all ones. Of 32-bit memories and tables its lower half.
void Baseline::push_status_result(bool is_64) {
  gprs_.take(Gpr::rax);
  if (!is_64) e_.mov(Width::w32, Gpr::rax, Gpr::rax);
  push_gpr(is_64 ? ValKind::i64 : ValKind::i32, Gpr::rax);
}

Result<void> Baseline::atomic(Op op, const MemArg&) { return unsupported(op); }

} // namespace runtime::baseline
