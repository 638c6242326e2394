// The baseline compiler: which code each instruction on vectors has (vector.cpp, vector_float.cpp).
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

Result<void> Baseline::vector(Op op, uint64_t low, uint64_t high) {
  settle_flags();
  const auto lane = static_cast<uint8_t>(low);
  switch (op) {
  case Op::i8x16_shuffle: vector_shuffle({low, high}); break;
  case Op::i8x16_extract_lane_s: vector_extract(Lane::b, lane, Signedness::signed_); break;
  case Op::i8x16_extract_lane_u: vector_extract(Lane::b, lane, Signedness::unsigned_); break;
  case Op::i16x8_extract_lane_s: vector_extract(Lane::w, lane, Signedness::signed_); break;
  case Op::i16x8_extract_lane_u: vector_extract(Lane::w, lane, Signedness::unsigned_); break;
  case Op::i32x4_extract_lane: vector_extract(Lane::d, lane, Signedness::unsigned_); break;
  case Op::i64x2_extract_lane: vector_extract(Lane::q, lane, Signedness::unsigned_); break;
  case Op::f32x4_extract_lane: vector_extract_float(FloatWidth::f32, lane); break;
  case Op::f64x2_extract_lane: vector_extract_float(FloatWidth::f64, lane); break;
  case Op::i8x16_replace_lane: vector_replace(Lane::b, lane); break;
  case Op::i16x8_replace_lane: vector_replace(Lane::w, lane); break;
  case Op::i32x4_replace_lane: vector_replace(Lane::d, lane); break;
  case Op::i64x2_replace_lane: vector_replace(Lane::q, lane); break;
  case Op::f32x4_replace_lane: vector_replace_float(FloatWidth::f32, lane); break;
  case Op::f64x2_replace_lane: vector_replace_float(FloatWidth::f64, lane); break;
  default: return vector_compare_or_bits(op);
  }
  return check_code_size();
}

// Comparisons, bits and whole lanes.
Result<void> Baseline::vector_compare_or_bits(Op op) {
  switch (op) {
  case Op::i8x16_eq: vector_binary(Packed2::pcmpeqb, Operands::commutative); break;
  case Op::i8x16_ne: vector_compare(Packed2::pcmpeqb, Order::given, Answer::negated); break;
  case Op::i8x16_gt_s: vector_compare(Packed2::pcmpgtb, Order::given, Answer::given); break;
  case Op::i8x16_lt_s: vector_compare(Packed2::pcmpgtb, Order::exchanged, Answer::given); break;
  case Op::i8x16_le_s: vector_compare(Packed2::pcmpgtb, Order::given, Answer::negated); break;
  case Op::i8x16_ge_s: vector_compare(Packed2::pcmpgtb, Order::exchanged, Answer::negated); break;
  case Op::i8x16_ge_u: vector_compare_extremum(Packed2::pmaxub, Packed2::pcmpeqb, Answer::given); break;
  case Op::i8x16_lt_u: vector_compare_extremum(Packed2::pmaxub, Packed2::pcmpeqb, Answer::negated); break;
  case Op::i8x16_le_u: vector_compare_extremum(Packed2::pminub, Packed2::pcmpeqb, Answer::given); break;
  case Op::i8x16_gt_u: vector_compare_extremum(Packed2::pminub, Packed2::pcmpeqb, Answer::negated); break;
  case Op::i8x16_all_true: vector_all_true(Packed2::pcmpeqb); break;
  case Op::i16x8_eq: vector_binary(Packed2::pcmpeqw, Operands::commutative); break;
  case Op::i16x8_ne: vector_compare(Packed2::pcmpeqw, Order::given, Answer::negated); break;
  case Op::i16x8_gt_s: vector_compare(Packed2::pcmpgtw, Order::given, Answer::given); break;
  case Op::i16x8_lt_s: vector_compare(Packed2::pcmpgtw, Order::exchanged, Answer::given); break;
  case Op::i16x8_le_s: vector_compare(Packed2::pcmpgtw, Order::given, Answer::negated); break;
  case Op::i16x8_ge_s: vector_compare(Packed2::pcmpgtw, Order::exchanged, Answer::negated); break;
  case Op::i16x8_ge_u: vector_compare_extremum(Packed2::pmaxuw, Packed2::pcmpeqw, Answer::given); break;
  case Op::i16x8_lt_u: vector_compare_extremum(Packed2::pmaxuw, Packed2::pcmpeqw, Answer::negated); break;
  case Op::i16x8_le_u: vector_compare_extremum(Packed2::pminuw, Packed2::pcmpeqw, Answer::given); break;
  case Op::i16x8_gt_u: vector_compare_extremum(Packed2::pminuw, Packed2::pcmpeqw, Answer::negated); break;
  case Op::i16x8_all_true: vector_all_true(Packed2::pcmpeqw); break;
  case Op::i32x4_eq: vector_binary(Packed2::pcmpeqd, Operands::commutative); break;
  case Op::i32x4_ne: vector_compare(Packed2::pcmpeqd, Order::given, Answer::negated); break;
  case Op::i32x4_gt_s: vector_compare(Packed2::pcmpgtd, Order::given, Answer::given); break;
  case Op::i32x4_lt_s: vector_compare(Packed2::pcmpgtd, Order::exchanged, Answer::given); break;
  case Op::i32x4_le_s: vector_compare(Packed2::pcmpgtd, Order::given, Answer::negated); break;
  case Op::i32x4_ge_s: vector_compare(Packed2::pcmpgtd, Order::exchanged, Answer::negated); break;
  case Op::i32x4_ge_u: vector_compare_extremum(Packed2::pmaxud, Packed2::pcmpeqd, Answer::given); break;
  case Op::i32x4_lt_u: vector_compare_extremum(Packed2::pmaxud, Packed2::pcmpeqd, Answer::negated); break;
  case Op::i32x4_le_u: vector_compare_extremum(Packed2::pminud, Packed2::pcmpeqd, Answer::given); break;
  case Op::i32x4_gt_u: vector_compare_extremum(Packed2::pminud, Packed2::pcmpeqd, Answer::negated); break;
  case Op::i32x4_all_true: vector_all_true(Packed2::pcmpeqd); break;
  case Op::i64x2_eq: vector_binary(Packed2::pcmpeqq, Operands::commutative); break;
  case Op::i64x2_ne: vector_compare(Packed2::pcmpeqq, Order::given, Answer::negated); break;
  case Op::i64x2_gt_s: vector_compare(Packed2::pcmpgtq, Order::given, Answer::given); break;
  case Op::i64x2_lt_s: vector_compare(Packed2::pcmpgtq, Order::exchanged, Answer::given); break;
  case Op::i64x2_le_s: vector_compare(Packed2::pcmpgtq, Order::given, Answer::negated); break;
  case Op::i64x2_ge_s: vector_compare(Packed2::pcmpgtq, Order::exchanged, Answer::negated); break;
  case Op::i64x2_all_true: vector_all_true(Packed2::pcmpeqq); break;
  case Op::i8x16_bitmask:
  case Op::i16x8_bitmask:
  case Op::i32x4_bitmask:
  case Op::i64x2_bitmask: vector_bitmask(op); break;
  case Op::v128_any_true: vector_any_true(); break;
  case Op::v128_and: vector_binary(Packed2::pand, Operands::commutative); break;
  case Op::v128_or: vector_binary(Packed2::por, Operands::commutative); break;
  case Op::v128_xor: vector_binary(Packed2::pxor, Operands::commutative); break;
  case Op::v128_andnot: vector_binary(Packed2::pandn, Operands::ordered, Order::exchanged); break;
  case Op::v128_not: {
    Operand value = pop();
    const Xmm reg = to_own_xmm(value);
    vector_not(reg);
    push_vector(reg);
    break;
  }
  case Op::v128_bitselect:
  case Op::i8x16_relaxed_laneselect:
  case Op::i16x8_relaxed_laneselect:
  case Op::i32x4_relaxed_laneselect:
  case Op::i64x2_relaxed_laneselect: vector_bitselect(); break;
  case Op::i8x16_swizzle:
  case Op::i8x16_relaxed_swizzle: vector_swizzle(); break;
  case Op::i8x16_splat: vector_splat(ValKind::i32, Lane::b); break;
  case Op::i16x8_splat: vector_splat(ValKind::i32, Lane::w); break;
  case Op::i32x4_splat: vector_splat(ValKind::i32, Lane::d); break;
  case Op::i64x2_splat: vector_splat(ValKind::i64, Lane::q); break;
  case Op::f32x4_splat: vector_splat(ValKind::f32, Lane::d); break;
  case Op::f64x2_splat: vector_splat(ValKind::f64, Lane::q); break;
  default: return vector_integer(op);
  }
  return check_code_size();
}

// Arithmetic with lanes of one size.
Result<void> Baseline::vector_integer(Op op) {
  switch (op) {
  case Op::i8x16_add: vector_binary(Packed2::paddb, Operands::commutative); break;
  case Op::i8x16_sub: vector_binary(Packed2::psubb, Operands::ordered); break;
  case Op::i8x16_neg: vector_negate(Packed2::psubb); break;
  case Op::i8x16_add_sat_s: vector_binary(Packed2::paddsb, Operands::commutative); break;
  case Op::i8x16_add_sat_u: vector_binary(Packed2::paddusb, Operands::commutative); break;
  case Op::i8x16_sub_sat_s: vector_binary(Packed2::psubsb, Operands::ordered); break;
  case Op::i8x16_sub_sat_u: vector_binary(Packed2::psubusb, Operands::ordered); break;
  case Op::i8x16_avgr_u: vector_binary(Packed2::pavgb, Operands::commutative); break;
  case Op::i8x16_abs: vector_unary(Packed1::pabsb); break;
  case Op::i8x16_min_s: vector_binary(Packed2::pminsb, Operands::commutative); break;
  case Op::i8x16_min_u: vector_binary(Packed2::pminub, Operands::commutative); break;
  case Op::i8x16_max_s: vector_binary(Packed2::pmaxsb, Operands::commutative); break;
  case Op::i8x16_max_u: vector_binary(Packed2::pmaxub, Operands::commutative); break;
  case Op::i16x8_add: vector_binary(Packed2::paddw, Operands::commutative); break;
  case Op::i16x8_sub: vector_binary(Packed2::psubw, Operands::ordered); break;
  case Op::i16x8_neg: vector_negate(Packed2::psubw); break;
  case Op::i16x8_add_sat_s: vector_binary(Packed2::paddsw, Operands::commutative); break;
  case Op::i16x8_add_sat_u: vector_binary(Packed2::paddusw, Operands::commutative); break;
  case Op::i16x8_sub_sat_s: vector_binary(Packed2::psubsw, Operands::ordered); break;
  case Op::i16x8_sub_sat_u: vector_binary(Packed2::psubusw, Operands::ordered); break;
  case Op::i16x8_avgr_u: vector_binary(Packed2::pavgw, Operands::commutative); break;
  case Op::i16x8_abs: vector_unary(Packed1::pabsw); break;
  case Op::i16x8_min_s: vector_binary(Packed2::pminsw, Operands::commutative); break;
  case Op::i16x8_min_u: vector_binary(Packed2::pminuw, Operands::commutative); break;
  case Op::i16x8_max_s: vector_binary(Packed2::pmaxsw, Operands::commutative); break;
  case Op::i16x8_max_u: vector_binary(Packed2::pmaxuw, Operands::commutative); break;
  case Op::i32x4_add: vector_binary(Packed2::paddd, Operands::commutative); break;
  case Op::i32x4_sub: vector_binary(Packed2::psubd, Operands::ordered); break;
  case Op::i32x4_neg: vector_negate(Packed2::psubd); break;
  case Op::i32x4_abs: vector_unary(Packed1::pabsd); break;
  case Op::i32x4_min_s: vector_binary(Packed2::pminsd, Operands::commutative); break;
  case Op::i32x4_min_u: vector_binary(Packed2::pminud, Operands::commutative); break;
  case Op::i32x4_max_s: vector_binary(Packed2::pmaxsd, Operands::commutative); break;
  case Op::i32x4_max_u: vector_binary(Packed2::pmaxud, Operands::commutative); break;
  case Op::i64x2_add: vector_binary(Packed2::paddq, Operands::commutative); break;
  case Op::i64x2_sub: vector_binary(Packed2::psubq, Operands::ordered); break;
  case Op::i64x2_neg: vector_negate(Packed2::psubq); break;
  case Op::i64x2_abs: vector_abs_64(); break;
  case Op::i16x8_mul: vector_binary(Packed2::pmullw, Operands::commutative); break;
  case Op::i32x4_mul: vector_binary(Packed2::pmulld, Operands::commutative); break;
  case Op::i64x2_mul: vector_mul_64(); break;
  case Op::i8x16_shl: vector_shift_bytes(Shift::shl); break;
  case Op::i8x16_shr_s: vector_shift_bytes(Shift::sar); break;
  case Op::i8x16_shr_u: vector_shift_bytes(Shift::shr); break;
  case Op::i16x8_shl: vector_shift(Packed2::psllw, PackedShift::psllw, 16); break;
  case Op::i16x8_shr_s: vector_shift(Packed2::psraw, PackedShift::psraw, 16); break;
  case Op::i16x8_shr_u: vector_shift(Packed2::psrlw, PackedShift::psrlw, 16); break;
  case Op::i32x4_shl: vector_shift(Packed2::pslld, PackedShift::pslld, 32); break;
  case Op::i32x4_shr_s: vector_shift(Packed2::psrad, PackedShift::psrad, 32); break;
  case Op::i32x4_shr_u: vector_shift(Packed2::psrld, PackedShift::psrld, 32); break;
  case Op::i64x2_shl: vector_shift(Packed2::psllq, PackedShift::psllq, 64); break;
  case Op::i64x2_shr_s: vector_shift_right_signed_64(); break;
  case Op::i64x2_shr_u: vector_shift(Packed2::psrlq, PackedShift::psrlq, 64); break;
  case Op::i8x16_popcnt: vector_popcnt(); break;
  case Op::i16x8_q15mulr_sat_s:
  case Op::i16x8_relaxed_q15mulr_s: vector_q15mulr(); break;
  default: return vector_integer_wide(op);
  }
  return check_code_size();
}

// Between lanes of one size and the next.
Result<void> Baseline::vector_integer_wide(Op op) {
  switch (op) {
  case Op::i8x16_narrow_i16x8_s: vector_binary(Packed2::packsswb, Operands::ordered); break;
  case Op::i8x16_narrow_i16x8_u: vector_binary(Packed2::packuswb, Operands::ordered); break;
  case Op::i16x8_narrow_i32x4_s: vector_binary(Packed2::packssdw, Operands::ordered); break;
  case Op::i16x8_narrow_i32x4_u: vector_binary(Packed2::packusdw, Operands::ordered); break;
  case Op::i32x4_dot_i16x8_s: vector_binary(Packed2::pmaddwd, Operands::commutative); break;
  case Op::i16x8_extend_low_i8x16_s: vector_unary(Packed1::pmovsxbw); break;
  case Op::i16x8_extend_high_i8x16_s: vector_extend_high(Packed1::pmovsxbw); break;
  case Op::i16x8_extmul_low_i8x16_s: vector_extend_multiply_8(Packed1::pmovsxbw, Half::low); break;
  case Op::i16x8_extmul_high_i8x16_s: vector_extend_multiply_8(Packed1::pmovsxbw, Half::high); break;
  case Op::i16x8_extend_low_i8x16_u: vector_unary(Packed1::pmovzxbw); break;
  case Op::i16x8_extend_high_i8x16_u: vector_extend_high(Packed1::pmovzxbw); break;
  case Op::i16x8_extmul_low_i8x16_u: vector_extend_multiply_8(Packed1::pmovzxbw, Half::low); break;
  case Op::i16x8_extmul_high_i8x16_u: vector_extend_multiply_8(Packed1::pmovzxbw, Half::high); break;
  case Op::i32x4_extend_low_i16x8_s: vector_unary(Packed1::pmovsxwd); break;
  case Op::i32x4_extend_high_i16x8_s: vector_extend_high(Packed1::pmovsxwd); break;
  case Op::i32x4_extmul_low_i16x8_s: vector_extend_multiply_16(Packed2::pmulhw, Half::low); break;
  case Op::i32x4_extmul_high_i16x8_s: vector_extend_multiply_16(Packed2::pmulhw, Half::high); break;
  case Op::i32x4_extend_low_i16x8_u: vector_unary(Packed1::pmovzxwd); break;
  case Op::i32x4_extend_high_i16x8_u: vector_extend_high(Packed1::pmovzxwd); break;
  case Op::i32x4_extmul_low_i16x8_u: vector_extend_multiply_16(Packed2::pmulhuw, Half::low); break;
  case Op::i32x4_extmul_high_i16x8_u: vector_extend_multiply_16(Packed2::pmulhuw, Half::high); break;
  case Op::i64x2_extend_low_i32x4_s: vector_unary(Packed1::pmovsxdq); break;
  case Op::i64x2_extend_high_i32x4_s: vector_extend_high(Packed1::pmovsxdq); break;
  case Op::i64x2_extmul_low_i32x4_s: vector_extend_multiply_32(Packed2::pmuldq, Half::low); break;
  case Op::i64x2_extmul_high_i32x4_s: vector_extend_multiply_32(Packed2::pmuldq, Half::high); break;
  case Op::i64x2_extend_low_i32x4_u: vector_unary(Packed1::pmovzxdq); break;
  case Op::i64x2_extend_high_i32x4_u: vector_extend_high(Packed1::pmovzxdq); break;
  case Op::i64x2_extmul_low_i32x4_u: vector_extend_multiply_32(Packed2::pmuludq, Half::low); break;
  case Op::i64x2_extmul_high_i32x4_u: vector_extend_multiply_32(Packed2::pmuludq, Half::high); break;
  case Op::i16x8_extadd_pairwise_i8x16_s:
  case Op::i16x8_extadd_pairwise_i8x16_u:
  case Op::i32x4_extadd_pairwise_i16x8_s:
  case Op::i32x4_extadd_pairwise_i16x8_u: vector_add_pairs(op); break;
  case Op::i16x8_relaxed_dot_i8x16_i7x16_s: vector_relaxed_dot(); break;
  case Op::i32x4_relaxed_dot_i8x16_i7x16_add_s: vector_relaxed_dot_add(); break;
  default: return vector_float(op);
  }
  return check_code_size();
}

} // namespace runtime::baseline
