// The baseline compiler: instructions on vectors of floats, and their conversions (spec §4.3.6), to the bit.
//
// NaNs are as in floating.cpp: what x86 returns is arithmetic, and canonical ones come out canonical; deterministic
// mode replaces those that an instruction computes.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {
namespace {

constexpr uint64_t both(uint64_t lane32) { return lane32 << 32 | lane32; }
constexpr bool is_double(FloatWidth width) { return width == FloatWidth::f64; }
constexpr uint8_t kUnordered = 3; // predicate of cmpps and cmppd

} // namespace

void Baseline::vector_canonicalize(FloatWidth width, Xmm reg) {
  if (!options_.deterministic) return;
  const uint64_t nan = is_double(width) ? 0x7ff8'0000'0000'0000 : both(0x7fc0'0000);
  const Xmm other = alloc_xmm();
  e_.packed(is_double(width) ? Packed2Imm::cmppd : Packed2Imm::cmpps, kScratchXmm, reg, reg, kUnordered);
  load_vector_constant(other, {nan, nan});
  e_.packed(Packed2::pand, other, other, kScratchXmm);
  e_.packed(Packed2::pandn, kScratchXmm, kScratchXmm, reg);
  e_.packed(Packed2::por, kScratchXmm, kScratchXmm, other);
  e_.movaps(reg, kScratchXmm);
  release(other);
}

void Baseline::vector_float_arithmetic(Packed2 op, FloatWidth width, Operands operands) {
  vector_binary(op, operands);
  if (!options_.deterministic) return;
  // The result may be in a local's register, which has it at once; canonical bits go there, too.
  const Operand result = pop();
  vector_canonicalize(width, result.xmm());
  push_again(result);
}

void Baseline::vector_float_sqrt(FloatWidth width) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Xmm to = vector_target(value);
  e_.packed(is_double(width) ? Packed1::sqrtpd : Packed1::sqrtps, to, from);
  vector_canonicalize(width, to);
  push_vector(to);
}

void Baseline::vector_float_round(FloatWidth width, Packed1Imm op, Rounding mode) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Xmm to = vector_target(value);
  e_.packed(op, to, from, static_cast<uint8_t>(mode));
  vector_canonicalize(width, to);
  push_vector(to);
}

void Baseline::vector_float_compare(Packed2Imm op, uint8_t predicate, Order order) {
  Operand right = pop(), left = pop();
  if (order == Order::exchanged) std::swap(left, right);
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  e_.packed(op, a, a, b, predicate);
  release(right);
  push_vector(a);
}

// minps and maxps return their second operand for NaNs and for zeros of either sign. Both orders are computed: where
// they differ there is a NaN or a pair of zeros. Joined by or (min) or by xor and subtraction (max), zeros get the
// right sign and NaNs stay NaNs, whose payload is then cleared below its quiet bit.
void Baseline::vector_float_min_max(FloatWidth width, Extremum wanted) {
  const bool doubles = is_double(width), is_max = wanted == Extremum::max;
  const Packed2 op = is_max ? (doubles ? Packed2::maxpd : Packed2::maxps) : (doubles ? Packed2::minpd : Packed2::minps);
  const Packed2Imm compare = doubles ? Packed2Imm::cmppd : Packed2Imm::cmpps;
  Operand right = pop(), left = pop();
  const Xmm a = to_xmm(left), b = to_own_xmm(right);
  e_.packed(op, kScratchXmm, a, b);
  e_.packed(op, b, b, a);
  if (is_max) {
    e_.packed(Packed2::pxor, b, b, kScratchXmm);
    e_.packed(Packed2::por, kScratchXmm, kScratchXmm, b);
    e_.packed(doubles ? Packed2::subpd : Packed2::subps, kScratchXmm, kScratchXmm, b);
    e_.packed(compare, b, b, kScratchXmm, kUnordered);
  } else {
    e_.packed(Packed2::por, kScratchXmm, kScratchXmm, b);
    e_.packed(compare, b, b, kScratchXmm, kUnordered);
    e_.packed(Packed2::por, kScratchXmm, kScratchXmm, b);
  }
  e_.packed(doubles ? PackedShift::psrlq : PackedShift::psrld, b, b, doubles ? 13 : 10);
  e_.packed(Packed2::pandn, b, b, kScratchXmm);
  release(left);
  vector_canonicalize(width, b);
  push_vector(b);
}

void Baseline::vector_float_sign(FloatWidth width, SseLogic op) {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  const bool doubles = is_double(width);
  e_.packed(Packed2::pcmpeqd, kScratchXmm, kScratchXmm, kScratchXmm);
  if (op == SseLogic::and_) {
    e_.packed(doubles ? PackedShift::psrlq : PackedShift::psrld, kScratchXmm, kScratchXmm, 1);
    e_.packed(Packed2::pand, reg, reg, kScratchXmm);
  } else {
    e_.packed(doubles ? PackedShift::psllq : PackedShift::pslld, kScratchXmm, kScratchXmm, doubles ? 63 : 31);
    e_.packed(Packed2::pxor, reg, reg, kScratchXmm);
  }
  push_vector(reg);
}

// Not fused, so that processors with and without the instruction agree: addend + or - product.
void Baseline::vector_multiply_add(FloatWidth width, Packed2 last) {
  Operand addend = pop(), right = pop(), left = pop();
  const Xmm sum = to_own_xmm(addend), b = to_xmm(right), a = to_own_xmm(left);
  e_.packed(is_double(width) ? Packed2::mulpd : Packed2::mulps, a, a, b);
  e_.packed(last, sum, sum, a);
  release(left);
  release(right);
  vector_canonicalize(width, sum);
  push_vector(sum);
}

// --- conversions -----------------------------------------------------------------------------------------------------
// cvttps2dq and its kin give the least integer for what does not fit.

// NaNs become 0. Where a lane was not negative and its result is, it was too large: the least integer's complement.
void Baseline::vector_truncate_signed() {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  e_.packed(Packed2Imm::cmpps, kScratchXmm, reg, reg, 0);
  e_.packed(Packed2::pand, reg, reg, kScratchXmm);
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, reg); // sign set where the lane is a number and is not negative
  e_.packed(Packed1::cvttps2dq, reg, reg);
  e_.packed(Packed2::pand, kScratchXmm, kScratchXmm, reg);
  e_.packed(PackedShift::psrad, kScratchXmm, kScratchXmm, 31);
  e_.packed(Packed2::pxor, reg, reg, kScratchXmm);
  push_vector(reg);
}

// The least integer, which is 2^31 unsigned, for lanes from 2^31 up, plus what the lane has beyond 2^31.
void Baseline::vector_truncate_unsigned() {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value), beyond = alloc_xmm();
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(Packed2::maxps, reg, reg, kScratchXmm);                          // NaNs, too, become 0
  load_vector_constant(kScratchXmm, {both(0x4f00'0000), both(0x4f00'0000)}); // 2^31
  e_.packed(Packed2::subps, beyond, reg, kScratchXmm);
  constexpr uint8_t kLessOrEqual = 2;
  e_.packed(Packed2Imm::cmpps, kScratchXmm, kScratchXmm, beyond, kLessOrEqual); // from 2^32 up
  e_.packed(Packed1::cvttps2dq, beyond, beyond);
  e_.packed(Packed2::pxor, beyond, beyond, kScratchXmm);
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(Packed2::pmaxsd, beyond, beyond, kScratchXmm);
  e_.packed(Packed1::cvttps2dq, reg, reg);
  e_.packed(Packed2::paddd, reg, reg, beyond);
  release(beyond);
  push_vector(reg);
}

void Baseline::vector_truncate_doubles(Signedness sign) {
  constexpr uint64_t kLargestSigned = 0x41df'ffff'ffc0'0000, kLargestUnsigned = 0x41ef'ffff'ffe0'0000,
                     kTwoTo52 = 0x4330'0000'0000'0000;
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  if (sign == Signedness::signed_) {
    e_.packed(Packed2Imm::cmppd, kScratchXmm, reg, reg, 0);
    e_.packed(Packed2::pand, kScratchXmm, kScratchXmm, pooled({kLargestSigned, kLargestSigned}));
    e_.packed(Packed2::minpd, reg, reg, kScratchXmm); // NaNs become the 0 of the second operand
    e_.packed(Packed1::cvttpd2dq, reg, reg);
  } else {
    e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
    e_.packed(Packed2::maxpd, reg, reg, kScratchXmm);
    e_.packed(Packed2::minpd, reg, reg, pooled({kLargestUnsigned, kLargestUnsigned}));
    e_.packed(Packed1Imm::roundpd, reg, reg, static_cast<uint8_t>(Rounding::trunc));
    e_.packed(Packed2::addpd, reg, reg, pooled({kTwoTo52, kTwoTo52})); // the integer in the lower half of each
    constexpr uint8_t kEvenLanes = 0x88;
    e_.packed(Packed2Imm::shufps, reg, reg, kScratchXmm, kEvenLanes);
  }
  push_vector(reg);
}

// Upper and lower 16 bits by themselves, both exactly; the sum alone is rounded.
void Baseline::vector_convert_unsigned() {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  constexpr uint8_t kLowerWords = 0x55;
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(Packed2Imm::pblendw, kScratchXmm, kScratchXmm, reg, kLowerWords);
  e_.packed(Packed2::psubd, reg, reg, kScratchXmm);
  e_.packed(Packed1::cvtdq2ps, kScratchXmm, kScratchXmm);
  e_.packed(PackedShift::psrld, reg, reg, 1); // as a positive number
  e_.packed(Packed1::cvtdq2ps, reg, reg);
  e_.packed(Packed2::addps, reg, reg, reg);
  e_.packed(Packed2::addps, reg, reg, kScratchXmm);
  push_vector(reg);
}

// As the lower half of 2^52's significand, from which 2^52 is then subtracted.
void Baseline::vector_convert_low_unsigned() {
  constexpr uint64_t kUpperHalf = 0x4330'0000, kTwoTo52 = kUpperHalf << 32;
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  e_.packed(Packed2::unpcklps, reg, reg, pooled({both(kUpperHalf), both(kUpperHalf)}));
  e_.packed(Packed2::subpd, reg, reg, pooled({kTwoTo52, kTwoTo52}));
  push_vector(reg);
}

Result<void> Baseline::vector_convert(Op op) {
  switch (op) {
  case Op::i32x4_trunc_sat_f32x4_s:
  case Op::i32x4_relaxed_trunc_f32x4_s: vector_truncate_signed(); break;
  case Op::i32x4_trunc_sat_f32x4_u:
  case Op::i32x4_relaxed_trunc_f32x4_u: vector_truncate_unsigned(); break;
  case Op::i32x4_trunc_sat_f64x2_s_zero:
  case Op::i32x4_relaxed_trunc_f64x2_s_zero: vector_truncate_doubles(Signedness::signed_); break;
  case Op::i32x4_trunc_sat_f64x2_u_zero:
  case Op::i32x4_relaxed_trunc_f64x2_u_zero: vector_truncate_doubles(Signedness::unsigned_); break;
  case Op::f32x4_convert_i32x4_s: vector_unary(Packed1::cvtdq2ps); break;
  case Op::f32x4_convert_i32x4_u: vector_convert_unsigned(); break;
  case Op::f64x2_convert_low_i32x4_s: vector_unary(Packed1::cvtdq2pd); break;
  case Op::f64x2_convert_low_i32x4_u: vector_convert_low_unsigned(); break;
  case Op::f32x4_demote_f64x2_zero:
  case Op::f64x2_promote_low_f32x4: {
    const bool demote = op == Op::f32x4_demote_f64x2_zero;
    vector_unary(demote ? Packed1::cvtpd2ps : Packed1::cvtps2pd);
    const Operand result = pop();
    vector_canonicalize(demote ? FloatWidth::f32 : FloatWidth::f64, result.xmm());
    push_again(result);
    break;
  }
  default: return unsupported(op);
  }
  return check_code_size();
}

Result<void> Baseline::vector_float(Op op) {
  constexpr FloatWidth f32 = FloatWidth::f32, f64 = FloatWidth::f64;
  constexpr uint8_t kEqual = 0, kLess = 1, kLessOrEqual = 2, kNotEqual = 4;
  switch (op) {
  case Op::f32x4_eq: vector_float_compare(Packed2Imm::cmpps, kEqual, Order::given); break;
  case Op::f32x4_ne: vector_float_compare(Packed2Imm::cmpps, kNotEqual, Order::given); break;
  case Op::f32x4_lt: vector_float_compare(Packed2Imm::cmpps, kLess, Order::given); break;
  case Op::f32x4_gt: vector_float_compare(Packed2Imm::cmpps, kLess, Order::exchanged); break;
  case Op::f32x4_le: vector_float_compare(Packed2Imm::cmpps, kLessOrEqual, Order::given); break;
  case Op::f32x4_ge: vector_float_compare(Packed2Imm::cmpps, kLessOrEqual, Order::exchanged); break;
  case Op::f64x2_eq: vector_float_compare(Packed2Imm::cmppd, kEqual, Order::given); break;
  case Op::f64x2_ne: vector_float_compare(Packed2Imm::cmppd, kNotEqual, Order::given); break;
  case Op::f64x2_lt: vector_float_compare(Packed2Imm::cmppd, kLess, Order::given); break;
  case Op::f64x2_gt: vector_float_compare(Packed2Imm::cmppd, kLess, Order::exchanged); break;
  case Op::f64x2_le: vector_float_compare(Packed2Imm::cmppd, kLessOrEqual, Order::given); break;
  case Op::f64x2_ge: vector_float_compare(Packed2Imm::cmppd, kLessOrEqual, Order::exchanged); break;
  case Op::f32x4_ceil: vector_float_round(f32, Packed1Imm::roundps, Rounding::ceil); break;
  case Op::f32x4_floor: vector_float_round(f32, Packed1Imm::roundps, Rounding::floor); break;
  case Op::f32x4_trunc: vector_float_round(f32, Packed1Imm::roundps, Rounding::trunc); break;
  case Op::f32x4_nearest: vector_float_round(f32, Packed1Imm::roundps, Rounding::nearest); break;
  case Op::f64x2_ceil: vector_float_round(f64, Packed1Imm::roundpd, Rounding::ceil); break;
  case Op::f64x2_floor: vector_float_round(f64, Packed1Imm::roundpd, Rounding::floor); break;
  case Op::f64x2_trunc: vector_float_round(f64, Packed1Imm::roundpd, Rounding::trunc); break;
  case Op::f64x2_nearest: vector_float_round(f64, Packed1Imm::roundpd, Rounding::nearest); break;
  case Op::f32x4_abs: vector_float_sign(f32, SseLogic::and_); break;
  case Op::f32x4_neg: vector_float_sign(f32, SseLogic::xor_); break;
  case Op::f64x2_abs: vector_float_sign(f64, SseLogic::and_); break;
  case Op::f64x2_neg: vector_float_sign(f64, SseLogic::xor_); break;
  case Op::f32x4_sqrt: vector_float_sqrt(f32); break;
  case Op::f64x2_sqrt: vector_float_sqrt(f64); break;
  case Op::f32x4_add: vector_float_arithmetic(Packed2::addps, f32, Operands::ordered); break;
  case Op::f32x4_sub: vector_float_arithmetic(Packed2::subps, f32, Operands::ordered); break;
  case Op::f32x4_mul: vector_float_arithmetic(Packed2::mulps, f32, Operands::ordered); break;
  case Op::f32x4_div: vector_float_arithmetic(Packed2::divps, f32, Operands::ordered); break;
  case Op::f64x2_add: vector_float_arithmetic(Packed2::addpd, f64, Operands::ordered); break;
  case Op::f64x2_sub: vector_float_arithmetic(Packed2::subpd, f64, Operands::ordered); break;
  case Op::f64x2_mul: vector_float_arithmetic(Packed2::mulpd, f64, Operands::ordered); break;
  case Op::f64x2_div: vector_float_arithmetic(Packed2::divpd, f64, Operands::ordered); break;
  case Op::f32x4_min:
  case Op::f32x4_relaxed_min: vector_float_min_max(f32, Extremum::min); break;
  case Op::f32x4_max:
  case Op::f32x4_relaxed_max: vector_float_min_max(f32, Extremum::max); break;
  case Op::f64x2_min:
  case Op::f64x2_relaxed_min: vector_float_min_max(f64, Extremum::min); break;
  case Op::f64x2_max:
  case Op::f64x2_relaxed_max: vector_float_min_max(f64, Extremum::max); break;
  // b < a ? b : a is what minps gives of b and a; such bits pass unchanged, NaNs too.
  case Op::f32x4_pmin: vector_binary(Packed2::minps, Operands::ordered, Order::exchanged); break;
  case Op::f32x4_pmax: vector_binary(Packed2::maxps, Operands::ordered, Order::exchanged); break;
  case Op::f64x2_pmin: vector_binary(Packed2::minpd, Operands::ordered, Order::exchanged); break;
  case Op::f64x2_pmax: vector_binary(Packed2::maxpd, Operands::ordered, Order::exchanged); break;
  case Op::f32x4_relaxed_madd: vector_multiply_add(f32, Packed2::addps); break;
  case Op::f32x4_relaxed_nmadd: vector_multiply_add(f32, Packed2::subps); break;
  case Op::f64x2_relaxed_madd: vector_multiply_add(f64, Packed2::addpd); break;
  case Op::f64x2_relaxed_nmadd: vector_multiply_add(f64, Packed2::subpd); break;
  default: return vector_convert(op);
  }
  return check_code_size();
}

} // namespace runtime::baseline
