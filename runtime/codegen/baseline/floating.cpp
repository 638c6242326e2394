// The baseline compiler: floating-point instructions and conversions (spec §4.3.3, §4.3.4), to the bit.
//
// x86 returns the first NaN operand made quiet, or the default NaN; both are arithmetic NaNs as the specification wants
// them, and canonical ones come out canonical. In deterministic mode every NaN that an instruction computes is replaced
// by the positive canonical one. abs, neg, copysign and reinterpretations only move bits and never touch NaNs.
#include "runtime/codegen/baseline/baseline.hpp"
#include <utility>

namespace runtime::baseline {
namespace {

constexpr uint64_t canonical_nan(FloatWidth width) {
  return width == FloatWidth::f64 ? 0x7ff8'0000'0000'0000 : 0x7fc0'0000;
}
constexpr uint64_t two_to_63(FloatWidth width) {
  return width == FloatWidth::f64 ? 0x43e0'0000'0000'0000 : 0x5f00'0000;
}
constexpr uint64_t minus_two_to_63(FloatWidth width) {
  return width == FloatWidth::f64 ? 0xc3e0'0000'0000'0000 : 0xdf00'0000;
}
constexpr Width lane_of(FloatWidth width) { return width == FloatWidth::f64 ? Width::w64 : Width::w32; }
constexpr uint8_t sign_bit(FloatWidth width) { return width == FloatWidth::f64 ? 63 : 31; }
constexpr ValKind float_kind(FloatWidth width) { return width == FloatWidth::f64 ? ValKind::f64 : ValKind::f32; }

} // namespace

void Baseline::canonicalize(FloatWidth width, Xmm reg) {
  if (!options_.deterministic) return;
  e_.ucomis(width, reg, reg);
  const ShortJump number = e_.jcc_short(Cond::np);
  load_xmm_constant(reg, width, canonical_nan(width));
  e_.bind(number);
}

void Baseline::float_binary(Sse op, FloatWidth width, Operands operands) {
  const bool commutative = operands == Operands::commutative;
  Operand right = pop(), left = pop();
  if (commutative && is_temporary(right) && !is_temporary(left)) std::swap(left, right);
  Xmm to = destination_xmm();
  if (to != kNoXmm && xmm_of(right) == to) {
    if (commutative)
      std::swap(left, right);
    else
      to = kNoXmm;
  }
  if (to == kNoXmm) to = is_temporary(left) ? left.xmm() : alloc_xmm();
  load_xmm(to, left);
  if (in_memory(right))
    e_.sse(op, width, to, memory_of(right));
  else
    e_.sse(op, width, to, to_xmm(right));
  if (is_temporary(left) && left.xmm() != to) release(left);
  release(right);
  canonicalize(width, to);
  push_xmm(float_kind(width), to);
}

// minss and maxss return the second operand for NaNs and for zeros of either sign; wasm wants NaN, and -0 below +0.
void Baseline::float_min_max(FloatWidth width, Extremum wanted) {
  const bool is_max = wanted == Extremum::max;
  Operand right = pop(), left = pop();
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  e_.ucomis(width, a, b);
  const ShortJump unordered = e_.jcc_short(Cond::p);
  const ShortJump different = e_.jcc_short(Cond::ne);
  e_.logic(is_max ? SseLogic::and_ : SseLogic::or_, a, b); // equal: only the sign of zeros can differ
  const ShortJump done_equal = e_.jmp_short();
  e_.bind(unordered);
  e_.sse(Sse::add, width, a, b); // a quiet NaN of an operand
  const ShortJump done_nan = e_.jmp_short();
  e_.bind(different);
  e_.sse(is_max ? Sse::max : Sse::min, width, a, b);
  e_.bind(done_equal);
  e_.bind(done_nan);
  release(right);
  canonicalize(width, a);
  push_xmm(float_kind(width), a);
}

// ucomis sets «below» for less and for unordered: ask whether the greater one is above.
void Baseline::float_compare(Test test, FloatWidth width, Order order) {
  Operand right = pop(), left = pop();
  if (order == Order::exchanged) std::swap(left, right);
  const Xmm a = to_xmm(left);
  if (in_memory(right))
    e_.ucomis(width, a, memory_of(right));
  else
    e_.ucomis(width, a, to_xmm(right));
  release(left);
  release(right);
  push_flags(test);
}

void Baseline::float_round(FloatWidth width, Rounding mode) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  Xmm to = destination_xmm();
  if (to == kNoXmm) to = is_temporary(value) ? value.xmm() : alloc_xmm();
  e_.round(width, to, from, mode);
  if (is_temporary(value) && value.xmm() != to) release(value);
  canonicalize(width, to);
  push_xmm(float_kind(width), to);
}

void Baseline::float_sqrt(FloatWidth width) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  Xmm to = destination_xmm();
  if (to == kNoXmm) to = is_temporary(value) ? value.xmm() : alloc_xmm();
  e_.sse(Sse::sqrt, width, to, from);
  if (is_temporary(value) && value.xmm() != to) release(value);
  canonicalize(width, to);
  push_xmm(float_kind(width), to);
}

void Baseline::float_sign(FloatWidth width, SseLogic op) {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  e_.pcmpeqd(kScratchXmm, kScratchXmm);
  const Width lane = lane_of(width);
  if (op == SseLogic::and_)
    e_.psrl_imm(lane, kScratchXmm, 1);
  else
    e_.psll_imm(lane, kScratchXmm, sign_bit(width));
  e_.logic(op, reg, kScratchXmm);
  push_xmm(float_kind(width), reg);
}

void Baseline::float_copysign(FloatWidth width) {
  Operand sign = pop(), value = pop();
  const Xmm s = to_own_xmm(sign), v = to_own_xmm(value);
  e_.pcmpeqd(kScratchXmm, kScratchXmm);
  e_.psll_imm(lane_of(width), kScratchXmm, sign_bit(width));
  e_.logic(SseLogic::and_, s, kScratchXmm);
  e_.logic(SseLogic::andn, kScratchXmm, v);
  e_.movaps(v, kScratchXmm);
  e_.logic(SseLogic::or_, v, s);
  release(sign);
  push_xmm(float_kind(width), v);
}

void Baseline::float_convert(FloatWidth to_width) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  Xmm to = destination_xmm();
  if (to == kNoXmm) to = is_temporary(value) ? value.xmm() : alloc_xmm();
  e_.cvt_float_to_float(to_width, to, from);
  if (is_temporary(value) && value.xmm() != to) release(value);
  canonicalize(to_width, to);
  push_xmm(float_kind(to_width), to);
}

// --- float to integer ------------------------------------------------------------------------------------------------
// cvttss2si and its kin give the least integer for what does not fit. For 32-bit results the 64-bit conversion is used:
// the result fits exactly when extending its lower half gives it back.

void Baseline::truncate_float(ValKind to, Signedness sign, FloatWidth from_width) {
  const bool is_signed = sign == Signedness::signed_;
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Gpr reg = alloc_gpr();
  const auto refuse = [&] { // in place: a NaN or out of range
    e_.ucomis(from_width, from, from);
    trap_if(Cond::p, TrapCode::invalid_conversion_to_integer);
    trap_jumps_.push_back({e_.jmp_rel32(), position_, TrapCode::integer_overflow});
  };
  if (to == ValKind::i32) {
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    if (is_signed)
      e_.movsxd(kScratch, reg);
    else
      e_.mov(Width::w32, kScratch, reg);
    e_.alu(Alu::cmp, Width::w64, kScratch, reg);
    const ShortJump fits = e_.jcc_short(Cond::e);
    refuse();
    e_.bind(fits);
    if (is_signed) e_.mov(Width::w32, reg, reg);
  } else if (is_signed) {
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    e_.alu_imm(Alu::cmp, Width::w64, reg, 1); // overflows for the least integer alone
    const ShortJump fits = e_.jcc_short(Cond::no);
    load_xmm_constant(kScratchXmm, from_width, minus_two_to_63(from_width));
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump unequal = e_.jcc_short(Cond::ne);
    const ShortJump least = e_.jcc_short(Cond::np); // it was the least integer itself
    e_.bind(unequal);
    refuse();
    e_.bind(fits);
    e_.bind(least);
  } else {
    load_xmm_constant(kScratchXmm, from_width, two_to_63(from_width));
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump large = e_.jcc_short(Cond::ae); // not for NaN
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    e_.test(Width::w64, reg, reg);
    const ShortJump small_fits = e_.jcc_short(Cond::ns);
    const uint32_t refused = e_.offset();
    refuse();
    e_.bind(large);
    load_xmm_constant(kScratchXmm, from_width, minus_two_to_63(from_width));
    e_.sse(Sse::add, from_width, kScratchXmm, from);
    e_.cvtt_float_to_int(from_width, Width::w64, reg, kScratchXmm);
    e_.test(Width::w64, reg, reg);
    Label refused_label;
    refused_label.bound = refused;
    e_.jcc(Cond::s, refused_label);
    e_.btc_imm(Width::w64, reg, 63);
    e_.bind(small_fits);
  }
  release(value);
  push_gpr(to, reg);
}

void Baseline::truncate_saturating(ValKind to, Signedness sign, FloatWidth from_width) {
  const bool is_signed = sign == Signedness::signed_;
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Gpr reg = alloc_gpr();
  if (to == ValKind::i32) {
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    if (is_signed)
      e_.movsxd(kScratch, reg);
    else
      e_.mov(Width::w32, kScratch, reg);
    e_.alu(Alu::cmp, Width::w64, kScratch, reg);
    const ShortJump fits = e_.jcc_short(Cond::e);
    e_.mov_imm(reg, 0);
    e_.logic(SseLogic::xor_, kScratchXmm, kScratchXmm);
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump nan = e_.jcc_short(Cond::p);
    e_.mov_imm(reg, is_signed ? 0x8000'0000 : 0);
    const ShortJump negative = e_.jcc_short(Cond::b);
    e_.mov_imm(reg, is_signed ? 0x7fff'ffff : 0xffff'ffff);
    e_.bind(fits);
    e_.bind(nan);
    e_.bind(negative);
    if (is_signed) e_.mov(Width::w32, reg, reg);
  } else if (is_signed) {
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    e_.alu_imm(Alu::cmp, Width::w64, reg, 1);
    const ShortJump fits = e_.jcc_short(Cond::no);
    e_.logic(SseLogic::xor_, kScratchXmm, kScratchXmm);
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump negative = e_.jcc_short(Cond::b); // and NaN
    e_.mov_imm(reg, 0x7fff'ffff'ffff'ffff);
    e_.bind(negative);
    const ShortJump number = e_.jcc_short(Cond::np);
    e_.mov_imm(reg, 0);
    e_.bind(number);
    e_.bind(fits);
  } else {
    e_.mov_imm(reg, 0);
    e_.logic(SseLogic::xor_, kScratchXmm, kScratchXmm);
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump zero = e_.jcc_short(Cond::be); // negative, zero, NaN
    load_xmm_constant(kScratchXmm, from_width, two_to_63(from_width));
    e_.ucomis(from_width, from, kScratchXmm);
    const ShortJump large = e_.jcc_short(Cond::ae);
    e_.cvtt_float_to_int(from_width, Width::w64, reg, from);
    const ShortJump done = e_.jmp_short();
    e_.bind(large);
    load_xmm_constant(kScratchXmm, from_width, minus_two_to_63(from_width));
    e_.sse(Sse::add, from_width, kScratchXmm, from);
    e_.cvtt_float_to_int(from_width, Width::w64, reg, kScratchXmm);
    e_.btc_imm(Width::w64, reg, 63);
    // What does not fit came out as the least integer, whose sign bit is now clear.
    e_.test(Width::w64, reg, reg);
    const ShortJump fits = e_.jcc_short(Cond::s);
    e_.mov_imm(reg, ~uint64_t{0});
    e_.bind(fits);
    e_.bind(done);
    e_.bind(zero);
  }
  release(value);
  push_gpr(to, reg);
}

// --- integer to float ------------------------------------------------------------------------------------------------

void Baseline::convert_integer(ValKind from, Signedness sign, FloatWidth to_width) {
  const bool is_signed = sign == Signedness::signed_;
  Operand value = pop();
  Xmm to = destination_xmm();
  if (to == kNoXmm) to = alloc_xmm();
  e_.logic(SseLogic::xor_, to, to); // the conversion keeps the upper bits: without this it would wait for them
  if (from == ValKind::i32) {
    // Zero-extended, an unsigned 32-bit integer is a positive 64-bit one.
    e_.cvt_int_to_float(to_width, is_signed ? Width::w32 : Width::w64, to, to_gpr(value));
  } else if (is_signed) {
    e_.cvt_int_to_float(to_width, Width::w64, to, to_gpr(value));
  } else {
    // From 2^63 on: convert half of it, with the lost bit kept as a sticky one so that rounding is right, and double.
    const Gpr reg = to_own_gpr(value);
    e_.test(Width::w64, reg, reg);
    const ShortJump large = e_.jcc_short(Cond::s);
    e_.cvt_int_to_float(to_width, Width::w64, to, reg);
    const ShortJump done = e_.jmp_short();
    e_.bind(large);
    e_.mov(Width::w64, kScratch, reg);
    e_.shift_imm(Shift::shr, Width::w64, kScratch, 1);
    e_.alu_imm(Alu::and_, Width::w32, reg, 1);
    e_.alu(Alu::or_, Width::w64, kScratch, reg);
    e_.cvt_int_to_float(to_width, Width::w64, to, kScratch);
    e_.sse(Sse::add, to_width, to, to);
    e_.bind(done);
  }
  release(value);
  push_xmm(float_kind(to_width), to);
}

void Baseline::reinterpret(ValKind to) {
  Operand value = pop();
  if (value.is_constant()) return push_constant(to, value.bits());
  const bool wide = to == ValKind::i64 || to == ValKind::f64;
  if (to == ValKind::i32 || to == ValKind::i64) {
    const Gpr reg = alloc_gpr();
    if (in_memory(value))
      e_.mov(wide ? Width::w64 : Width::w32, reg, memory_of(value));
    else
      e_.movd(wide ? Width::w64 : Width::w32, reg, xmm_of(value));
    release(value);
    push_gpr(to, reg);
  } else {
    const Xmm reg = alloc_xmm();
    if (in_memory(value))
      e_.movs(float_width_of(to), reg, memory_of(value));
    else
      e_.movd(wide ? Width::w64 : Width::w32, reg, gpr_of(value));
    release(value);
    push_xmm(to, reg);
  }
}

Result<void> Baseline::floating(Op op) {
  using enum ValKind;
  using enum Signedness;
  using enum Operands;
  using enum Order;
  constexpr FloatWidth f = FloatWidth::f32, d = FloatWidth::f64;
  switch (op) {
  case Op::f32_eq: float_compare(Test::float_eq, f, given); break;
  case Op::f32_ne: float_compare(Test::float_ne, f, given); break;
  case Op::f32_lt: float_compare(test_of(Cond::a), f, exchanged); break;
  case Op::f32_gt: float_compare(test_of(Cond::a), f, given); break;
  case Op::f32_le: float_compare(test_of(Cond::ae), f, exchanged); break;
  case Op::f32_ge: float_compare(test_of(Cond::ae), f, given); break;
  case Op::f64_eq: float_compare(Test::float_eq, d, given); break;
  case Op::f64_ne: float_compare(Test::float_ne, d, given); break;
  case Op::f64_lt: float_compare(test_of(Cond::a), d, exchanged); break;
  case Op::f64_gt: float_compare(test_of(Cond::a), d, given); break;
  case Op::f64_le: float_compare(test_of(Cond::ae), d, exchanged); break;
  case Op::f64_ge: float_compare(test_of(Cond::ae), d, given); break;
  case Op::f32_abs: float_sign(f, SseLogic::and_); break;
  case Op::f32_neg: float_sign(f, SseLogic::xor_); break;
  case Op::f32_ceil: float_round(f, Rounding::ceil); break;
  case Op::f32_floor: float_round(f, Rounding::floor); break;
  case Op::f32_trunc: float_round(f, Rounding::trunc); break;
  case Op::f32_nearest: float_round(f, Rounding::nearest); break;
  case Op::f32_sqrt: float_sqrt(f); break;
  case Op::f32_add: float_binary(Sse::add, f, commutative); break;
  case Op::f32_sub: float_binary(Sse::sub, f, ordered); break;
  case Op::f32_mul: float_binary(Sse::mul, f, commutative); break;
  case Op::f32_div: float_binary(Sse::div, f, ordered); break;
  case Op::f32_min: float_min_max(f, Extremum::min); break;
  case Op::f32_max: float_min_max(f, Extremum::max); break;
  case Op::f32_copysign: float_copysign(f); break;
  case Op::f64_abs: float_sign(d, SseLogic::and_); break;
  case Op::f64_neg: float_sign(d, SseLogic::xor_); break;
  case Op::f64_ceil: float_round(d, Rounding::ceil); break;
  case Op::f64_floor: float_round(d, Rounding::floor); break;
  case Op::f64_trunc: float_round(d, Rounding::trunc); break;
  case Op::f64_nearest: float_round(d, Rounding::nearest); break;
  case Op::f64_sqrt: float_sqrt(d); break;
  case Op::f64_add: float_binary(Sse::add, d, commutative); break;
  case Op::f64_sub: float_binary(Sse::sub, d, ordered); break;
  case Op::f64_mul: float_binary(Sse::mul, d, commutative); break;
  case Op::f64_div: float_binary(Sse::div, d, ordered); break;
  case Op::f64_min: float_min_max(d, Extremum::min); break;
  case Op::f64_max: float_min_max(d, Extremum::max); break;
  case Op::f64_copysign: float_copysign(d); break;
  case Op::f32_demote_f64: float_convert(f); break;
  case Op::f64_promote_f32: float_convert(d); break;
  case Op::i32_trunc_f32_s: truncate_float(i32, signed_, f); break;
  case Op::i32_trunc_f32_u: truncate_float(i32, unsigned_, f); break;
  case Op::i32_trunc_f64_s: truncate_float(i32, signed_, d); break;
  case Op::i32_trunc_f64_u: truncate_float(i32, unsigned_, d); break;
  case Op::i64_trunc_f32_s: truncate_float(i64, signed_, f); break;
  case Op::i64_trunc_f32_u: truncate_float(i64, unsigned_, f); break;
  case Op::i64_trunc_f64_s: truncate_float(i64, signed_, d); break;
  case Op::i64_trunc_f64_u: truncate_float(i64, unsigned_, d); break;
  case Op::i32_trunc_sat_f32_s: truncate_saturating(i32, signed_, f); break;
  case Op::i32_trunc_sat_f32_u: truncate_saturating(i32, unsigned_, f); break;
  case Op::i32_trunc_sat_f64_s: truncate_saturating(i32, signed_, d); break;
  case Op::i32_trunc_sat_f64_u: truncate_saturating(i32, unsigned_, d); break;
  case Op::i64_trunc_sat_f32_s: truncate_saturating(i64, signed_, f); break;
  case Op::i64_trunc_sat_f32_u: truncate_saturating(i64, unsigned_, f); break;
  case Op::i64_trunc_sat_f64_s: truncate_saturating(i64, signed_, d); break;
  case Op::i64_trunc_sat_f64_u: truncate_saturating(i64, unsigned_, d); break;
  case Op::f32_convert_i32_s: convert_integer(i32, signed_, f); break;
  case Op::f32_convert_i32_u: convert_integer(i32, unsigned_, f); break;
  case Op::f32_convert_i64_s: convert_integer(i64, signed_, f); break;
  case Op::f32_convert_i64_u: convert_integer(i64, unsigned_, f); break;
  case Op::f64_convert_i32_s: convert_integer(i32, signed_, d); break;
  case Op::f64_convert_i32_u: convert_integer(i32, unsigned_, d); break;
  case Op::f64_convert_i64_s: convert_integer(i64, signed_, d); break;
  case Op::f64_convert_i64_u: convert_integer(i64, unsigned_, d); break;
  case Op::i32_reinterpret_f32: reinterpret(i32); break;
  case Op::i64_reinterpret_f64: reinterpret(i64); break;
  case Op::f32_reinterpret_i32: reinterpret(f32); break;
  case Op::f64_reinterpret_i64: reinterpret(f64); break;
  default: return unsupported(op);
  }
  return {};
}

} // namespace runtime::baseline
