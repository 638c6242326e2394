// The baseline compiler: vectors in memory (spec §4.4.7). Addresses are those of memory.cpp.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

Result<void> Baseline::vector_memory(Op op, const MemArg& memarg, uint32_t lane) {
  settle_flags();
  if (e_.offset() > code_limit_) [[unlikely]]
    return check_code_size();
  const uint32_t size_log2 = op_info(op).natural_align_log2();
  if (op_info(op).family == OpFamily::vector_memory)
    return op == Op::v128_store ? vector_store(memarg) : vector_load(op, memarg);
  const bool is_store = op >= Op::v128_store8_lane && op <= Op::v128_store64_lane;
  Operand value = pop();
  const Xmm reg = is_store ? to_xmm(value) : to_own_xmm(value);
  const Address at = address(memarg, 1u << size_log2);
  trap_site(TrapCode::memory_out_of_bounds);
  if (is_store)
    e_.pextr(static_cast<Lane>(size_log2), at.mem, reg, static_cast<uint8_t>(lane));
  else
    e_.pinsr(static_cast<Lane>(size_log2), reg, reg, at.mem, static_cast<uint8_t>(lane));
  release(at);
  if (is_store)
    release(value);
  else
    push_vector(reg);
  return {};
}

Result<void> Baseline::vector_store(const MemArg& memarg) {
  Operand value = pop();
  const Xmm reg = to_xmm(value);
  const Address to = address(memarg, 16);
  trap_site(TrapCode::memory_out_of_bounds);
  e_.movups(to.mem, reg);
  release(to);
  release(value);
  return {};
}

Result<void> Baseline::vector_load(Op op, const MemArg& memarg) {
  const Address from = address(memarg, 1u << op_info(op).natural_align_log2());
  release(from);
  const Xmm to = alloc_xmm();
  const bool inserts = op == Op::v128_load8_splat || op == Op::v128_load16_splat;
  if (inserts) e_.packed(Packed2::pxor, to, to, to); // ends what the register depends on
  trap_site(TrapCode::memory_out_of_bounds);
  switch (op) {
  case Op::v128_load: e_.packed(Packed1::movups, to, from.mem); break;
  case Op::v128_load8x8_s: e_.packed(Packed1::pmovsxbw, to, from.mem); break;
  case Op::v128_load8x8_u: e_.packed(Packed1::pmovzxbw, to, from.mem); break;
  case Op::v128_load16x4_s: e_.packed(Packed1::pmovsxwd, to, from.mem); break;
  case Op::v128_load16x4_u: e_.packed(Packed1::pmovzxwd, to, from.mem); break;
  case Op::v128_load32x2_s: e_.packed(Packed1::pmovsxdq, to, from.mem); break;
  case Op::v128_load32x2_u: e_.packed(Packed1::pmovzxdq, to, from.mem); break;
  case Op::v128_load8_splat:
    e_.pinsr(Lane::b, to, to, from.mem, 0);
    splat_lowest(Lane::b, to);
    break;
  case Op::v128_load16_splat:
    e_.pinsr(Lane::w, to, to, from.mem, 0);
    splat_lowest(Lane::w, to);
    break;
  case Op::v128_load32_splat:
    e_.movs(FloatWidth::f32, to, from.mem);
    splat_lowest(Lane::d, to);
    break;
  case Op::v128_load64_splat: e_.packed(Packed1::movddup, to, from.mem); break;
  case Op::v128_load32_zero: e_.movs(FloatWidth::f32, to, from.mem); break;
  case Op::v128_load64_zero: e_.movs(FloatWidth::f64, to, from.mem); break;
  default: return unsupported(op);
  }
  push_vector(to);
  return {};
}

} // namespace runtime::baseline
