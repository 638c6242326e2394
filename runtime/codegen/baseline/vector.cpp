// The baseline compiler: instructions on vectors of integers and bits (spec §4.3.6, §4.3.7). Floats are in
// vector_float.cpp, memory in vector_memory.cpp.
//
// A v128 is an operand in an xmm register, like a float. The emitter writes each instruction in one of two encodings
// (emitter.hpp); what is emitted here is right for both: where there is no VEX, a target other than the first operand
// costs a move. Relaxed instructions give what the deterministic profile gives, on every processor.
#include "runtime/codegen/baseline/baseline.hpp"
#include <algorithm>
#include <utility>

namespace runtime::baseline {
namespace {

constexpr uint64_t kOnes8 = 0x0101'0101'0101'0101, kOnes16 = 0x0001'0001'0001'0001, kOnes32 = 0x1'0000'0001;
constexpr uint8_t kHighHalf = 0xee;                      // pshufd: lanes 2, 3, 2, 3
constexpr uint8_t kSpreadLow = 0x50, kSpreadHigh = 0xfa; // pshufd: lanes 0, 0, 1, 1 and 2, 2, 3, 3

} // namespace

// --- constants -------------------------------------------------------------------------------------------------------

Label& Baseline::pooled(Vector value) {
  constexpr size_t kSearched = 16; // so that time stays linear
  for (PoolEntry& entry : std::span(pool_).last(std::min(pool_.size(), kSearched)))
    if (entry.value == value) return entry.label;
  return pool_.emplace_back(PoolEntry{value, {}}).label;
}

void Baseline::load_vector_constant(Xmm to, Vector value) {
  if (value == Vector{}) return e_.packed(Packed2::pxor, to, to, to);
  if (value == Vector{~uint64_t{0}, ~uint64_t{0}}) return e_.packed(Packed2::pcmpeqd, to, to, to);
  e_.packed(Packed1::movups, to, pooled(value));
}

Result<void> Baseline::vector_constant(Vector value) {
  const Xmm reg = alloc_xmm();
  load_vector_constant(reg, value);
  push_vector(reg);
  return check_code_size();
}

// --- shapes of instructions ------------------------------------------------------------------------------------------

Xmm Baseline::vector_target(const Operand& operand) {
  Xmm to = destination_xmm(1);
  if (to == kNoXmm) to = is_temporary(operand) ? operand.xmm() : alloc_xmm();
  if (is_temporary(operand) && operand.xmm() != to) release(operand);
  return to;
}

void Baseline::vector_binary(Packed2 op, Operands operands, Order order) {
  Operand right = pop(), left = pop();
  if (order == Order::exchanged) std::swap(left, right);
  const bool commutative = operands == Operands::commutative;
  if (commutative && is_temporary(right) && !is_temporary(left)) std::swap(left, right);
  Xmm to = destination_xmm(1);
  if (to != kNoXmm && xmm_of(right) == to && !e_.has_vex()) {
    if (commutative)
      std::swap(left, right);
    else
      to = kNoXmm;
  }
  if (to == kNoXmm) to = is_temporary(left) ? left.xmm() : alloc_xmm();
  Xmm a = xmm_of(left);
  if (a == kNoXmm) {
    // Into a register of its own where the target still holds the right operand.
    a = xmm_of(right) == to ? kScratchXmm : to;
    load_xmm(a, left);
  }
  if (in_memory(right))
    e_.packed(op, to, a, memory_of(right));
  else
    e_.packed(op, to, a, xmm_of(right));
  if (is_temporary(left) && left.xmm() != to) release(left);
  release(right);
  push_vector(to);
}

void Baseline::vector_unary(Packed1 op) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Xmm to = vector_target(value);
  e_.packed(op, to, from);
  push_vector(to);
}

void Baseline::vector_not(Xmm reg) {
  e_.packed(Packed2::pcmpeqd, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(Packed2::pxor, reg, reg, kScratchXmm);
}

// --- comparisons -----------------------------------------------------------------------------------------------------

void Baseline::vector_compare(Packed2 op, Order order, Answer answer) {
  if (answer == Answer::given) return vector_binary(op, Operands::ordered, order);
  Operand right = pop(), left = pop();
  if (order == Order::exchanged) std::swap(left, right);
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  e_.packed(op, a, a, b);
  release(right);
  vector_not(a);
  push_vector(a);
}

// a >= b where max(a, b) = a, a <= b where min(a, b) = a: there are no unsigned comparisons.
void Baseline::vector_compare_extremum(Packed2 extremum, Packed2 equal, Answer answer) {
  Operand right = pop(), left = pop();
  const Xmm a = to_xmm(left), b = to_own_xmm(right);
  e_.packed(extremum, b, b, a);
  e_.packed(equal, b, b, a);
  release(left);
  if (answer == Answer::negated) vector_not(b);
  push_vector(b);
}

void Baseline::vector_all_true(Packed2 equal) {
  Operand value = pop();
  const Xmm reg = to_xmm(value);
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(equal, kScratchXmm, kScratchXmm, reg);
  e_.packed(Packed1::ptest, kScratchXmm, kScratchXmm);
  release(value);
  push_flags(test_of(Cond::e));
}

void Baseline::vector_any_true() {
  Operand value = pop();
  const Xmm reg = to_xmm(value);
  e_.packed(Packed1::ptest, reg, reg);
  release(value);
  push_flags(test_of(Cond::ne));
}

void Baseline::vector_bitmask(Op op) {
  Operand value = pop();
  Xmm reg = to_xmm(value);
  const Gpr to = alloc_gpr();
  switch (op) {
  case Op::i16x8_bitmask:
    e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
    reg = to_own_xmm(value);
    e_.packed(Packed2::packsswb, reg, reg, kScratchXmm);
    [[fallthrough]];
  case Op::i8x16_bitmask: e_.lane_mask(LaneMask::pmovmskb, to, reg); break;
  case Op::i32x4_bitmask: e_.lane_mask(LaneMask::movmskps, to, reg); break;
  default: e_.lane_mask(LaneMask::movmskpd, to, reg); break;
  }
  release(value);
  push_gpr(ValKind::i32, to);
}

// --- shifts ----------------------------------------------------------------------------------------------------------

std::optional<uint8_t> Baseline::pop_shift_count(uint8_t lane_bits) {
  Operand count = pop();
  const uint8_t mask = lane_bits - 1;
  if (count.is_constant()) return static_cast<uint8_t>(count.bits() & mask);
  load_gpr(kScratch, count);
  release(count);
  e_.alu_imm(Alu::and_, Width::w32, kScratch, mask);
  e_.movd(Width::w32, kScratchXmm, kScratch);
  return std::nullopt;
}

void Baseline::shift(Packed2 by_register, PackedShift by_constant, Xmm reg, std::optional<uint8_t> count) {
  if (count)
    e_.packed(by_constant, reg, reg, *count);
  else
    e_.packed(by_register, reg, reg, kScratchXmm);
}

void Baseline::vector_shift(Packed2 by_register, PackedShift by_constant, uint8_t lane_bits) {
  const std::optional<uint8_t> count = pop_shift_count(lane_bits);
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  shift(by_register, by_constant, reg, count);
  push_vector(reg);
}

// In lanes of 16 bits: bits that cross into a neighbour are masked, and signs are extended from the upper half.
void Baseline::vector_shift_bytes(Shift wanted) {
  const std::optional<uint8_t> count = pop_shift_count(8);
  Operand value = pop();
  const Xmm reg = to_own_xmm(value), other = alloc_xmm();
  if (wanted == Shift::sar) {
    e_.packed(Packed2::punpckhbw, other, reg, reg);
    e_.packed(Packed2::punpcklbw, reg, reg, reg);
    for (const Xmm half : {reg, other}) {
      shift(Packed2::psraw, PackedShift::psraw, half, count);
      e_.packed(PackedShift::psraw, half, half, 8);
    }
    e_.packed(Packed2::packsswb, reg, reg, other);
  } else {
    e_.packed(Packed2::pcmpeqd, other, other, other);
    shift(Packed2::psrlw, PackedShift::psrlw, other, count);
    e_.packed(PackedShift::psrlw, other, other, 8);
    e_.packed(Packed2::packuswb, other, other, other); // 0xff >> count in each byte
    if (wanted == Shift::shl) {
      e_.packed(Packed2::pand, reg, reg, other);
      shift(Packed2::psllw, PackedShift::psllw, reg, count);
    } else {
      shift(Packed2::psrlw, PackedShift::psrlw, reg, count);
      e_.packed(Packed2::pand, reg, reg, other);
    }
  }
  release(other);
  push_vector(reg);
}

// The sign bit, shifted likewise, is toggled and subtracted: what borrows fills the upper bits.
void Baseline::vector_shift_right_signed_64() {
  const std::optional<uint8_t> count = pop_shift_count(64);
  Operand value = pop();
  const Xmm reg = to_own_xmm(value), sign = alloc_xmm();
  e_.packed(Packed2::pcmpeqd, sign, sign, sign);
  e_.packed(PackedShift::psllq, sign, sign, 63);
  shift(Packed2::psrlq, PackedShift::psrlq, sign, count);
  shift(Packed2::psrlq, PackedShift::psrlq, reg, count);
  e_.packed(Packed2::pxor, reg, reg, sign);
  e_.packed(Packed2::psubq, reg, reg, sign);
  release(sign);
  push_vector(reg);
}

// --- arithmetic ------------------------------------------------------------------------------------------------------

void Baseline::vector_negate(Packed2 subtract) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(subtract, kScratchXmm, kScratchXmm, from);
  const Xmm to = vector_target(value);
  e_.movaps(to, kScratchXmm);
  push_vector(to);
}

void Baseline::vector_abs_64() {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(Packed2::pcmpgtq, kScratchXmm, kScratchXmm, reg); // all ones where negative
  e_.packed(Packed2::pxor, reg, reg, kScratchXmm);
  e_.packed(Packed2::psubq, reg, reg, kScratchXmm);
  push_vector(reg);
}

// From products of 32-bit halves: low * low + ((high * low + low * high) << 32).
void Baseline::vector_mul_64() {
  Operand right = pop(), left = pop();
  const Xmm b = to_xmm(right), a = to_own_xmm(left), cross = alloc_xmm();
  e_.packed(PackedShift::psrlq, cross, a, 32);
  e_.packed(Packed2::pmuludq, cross, cross, b);
  e_.packed(PackedShift::psrlq, kScratchXmm, b, 32);
  e_.packed(Packed2::pmuludq, kScratchXmm, kScratchXmm, a);
  e_.packed(Packed2::paddq, cross, cross, kScratchXmm);
  e_.packed(PackedShift::psllq, cross, cross, 32);
  e_.packed(Packed2::pmuludq, a, a, b);
  e_.packed(Packed2::paddq, a, a, cross);
  release(right);
  release(cross);
  push_vector(a);
}

// The counts of both nibbles of each byte, from a table of 16.
void Baseline::vector_popcnt() {
  constexpr Vector kCounts = {0x0302'0201'0201'0100, 0x0403'0302'0302'0201}, kNibble = {15 * kOnes8, 15 * kOnes8};
  Operand value = pop();
  const Xmm reg = to_own_xmm(value), low = alloc_xmm();
  e_.packed(Packed1::movups, low, reg);
  e_.packed(Packed2::pand, low, low, pooled(kNibble));
  e_.packed(PackedShift::psrlw, reg, reg, 4);
  e_.packed(Packed2::pand, reg, reg, pooled(kNibble));
  load_vector_constant(kScratchXmm, kCounts);
  e_.packed(Packed2::pshufb, kScratchXmm, kScratchXmm, low);
  load_vector_constant(low, kCounts);
  e_.packed(Packed2::pshufb, low, low, reg);
  e_.packed(Packed2::paddb, low, low, kScratchXmm);
  release(reg);
  push_vector(low);
}

// pmulhrsw wraps in one case alone, -1 * -1, where its result is the least integer.
void Baseline::vector_q15mulr() {
  Operand right = pop(), left = pop();
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  e_.packed(Packed2::pmulhrsw, a, a, b);
  e_.packed(Packed2::pcmpeqd, kScratchXmm, kScratchXmm, kScratchXmm);
  e_.packed(PackedShift::psllw, kScratchXmm, kScratchXmm, 15);
  e_.packed(Packed2::pcmpeqw, kScratchXmm, kScratchXmm, a);
  e_.packed(Packed2::pxor, a, a, kScratchXmm);
  release(right);
  push_vector(a);
}

void Baseline::vector_bitselect() {
  Operand mask = pop(), if_clear = pop(), if_set = pop();
  const Xmm m = to_xmm(mask), b = to_xmm(if_clear), a = to_own_xmm(if_set);
  e_.packed(Packed2::pxor, a, a, b);
  e_.packed(Packed2::pand, a, a, m);
  e_.packed(Packed2::pxor, a, a, b);
  release(mask);
  release(if_clear);
  push_vector(a);
}

// --- lanes -----------------------------------------------------------------------------------------------------------

void Baseline::splat_lowest(Lane lane, Xmm reg) {
  switch (lane) {
  case Lane::b:
    e_.packed(Packed2::pxor, kScratchXmm, kScratchXmm, kScratchXmm);
    return e_.packed(Packed2::pshufb, reg, reg, kScratchXmm);
  case Lane::w: e_.packed(Packed1Imm::pshuflw, reg, reg, 0); [[fallthrough]];
  case Lane::d: return e_.packed(Packed1Imm::pshufd, reg, reg, 0);
  case Lane::q: return e_.packed(Packed2::punpcklqdq, reg, reg, reg);
  }
}

void Baseline::vector_splat(ValKind from, Lane lane) {
  Operand value = pop();
  if (in_xmm(from)) {
    const Xmm reg = to_own_xmm(value);
    splat_lowest(lane, reg);
    return push_vector(reg);
  }
  const Gpr number = to_gpr(value);
  const Xmm reg = alloc_xmm();
  e_.movd(lane == Lane::q ? Width::w64 : Width::w32, reg, number);
  release(value);
  splat_lowest(lane, reg);
  push_vector(reg);
}

void Baseline::vector_extract(Lane lane, uint8_t index, Signedness sign) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Gpr to = alloc_gpr();
  e_.pextr(lane, to, from, index);
  if (sign == Signedness::signed_) {
    if (lane == Lane::b)
      e_.movsx8(Width::w32, to, to);
    else
      e_.movsx16(Width::w32, to, to);
  }
  release(value);
  push_gpr(lane == Lane::q ? ValKind::i64 : ValKind::i32, to);
}

void Baseline::vector_extract_float(FloatWidth width, uint8_t index) {
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  if (index != 0) e_.packed(Packed1Imm::pshufd, reg, reg, width == FloatWidth::f64 ? kHighHalf : index);
  push_xmm(width == FloatWidth::f64 ? ValKind::f64 : ValKind::f32, reg);
}

void Baseline::vector_replace(Lane lane, uint8_t index) {
  Operand number = pop(), value = pop();
  const Gpr from = to_gpr(number);
  const Xmm reg = to_own_xmm(value);
  e_.pinsr(lane, reg, reg, from, index);
  release(number);
  push_vector(reg);
}

void Baseline::vector_replace_float(FloatWidth width, uint8_t index) {
  Operand number = pop(), value = pop();
  const Xmm from = to_xmm(number), reg = to_own_xmm(value);
  if (width == FloatWidth::f32)
    e_.packed(Packed2Imm::insertps, reg, reg, from, static_cast<uint8_t>(index << 4));
  else
    e_.packed(index == 0 ? Packed2::movsd : Packed2::punpcklqdq, reg, reg, from);
  release(number);
  push_vector(reg);
}

// Each operand gives its lanes where the other gives zeros.
void Baseline::vector_shuffle(Vector lanes) {
  Vector first, second;
  const auto split = [](uint64_t wanted, uint64_t& from_first, uint64_t& from_second) {
    for (uint32_t bit = 0; bit < 64; bit += 8) {
      const uint64_t lane = wanted >> bit & 0xff;
      constexpr uint64_t kZero = 0x80;
      from_first |= (lane < 16 ? lane : kZero) << bit;
      from_second |= (lane >= 16 ? lane - 16 : kZero) << bit;
    }
  };
  split(lanes.low, first.low, second.low);
  split(lanes.high, first.high, second.high);
  Operand right = pop(), left = pop();
  const Xmm b = to_own_xmm(right), a = to_own_xmm(left);
  e_.packed(Packed2::pshufb, b, b, pooled(second));
  e_.packed(Packed2::pshufb, a, a, pooled(first));
  e_.packed(Packed2::por, a, a, b);
  release(right);
  push_vector(a);
}

// pshufb gives zero where the index's top bit is set: for 16 and above it is, after a saturating addition.
void Baseline::vector_swizzle() {
  Operand indices = pop(), value = pop();
  const Xmm from = to_own_xmm(indices), reg = to_own_xmm(value);
  e_.packed(Packed2::paddusb, from, from, pooled({0x70 * kOnes8, 0x70 * kOnes8}));
  e_.packed(Packed2::pshufb, reg, reg, from);
  release(indices);
  push_vector(reg);
}

// --- widening --------------------------------------------------------------------------------------------------------

void Baseline::vector_extend_high(Packed1 op) {
  Operand value = pop();
  const Xmm from = to_xmm(value);
  const Xmm to = vector_target(value);
  e_.packed(Packed1Imm::pshufd, to, from, kHighHalf);
  e_.packed(op, to, to);
  push_vector(to);
}

void Baseline::vector_extend_multiply_8(Packed1 extend, Half half) {
  Operand right = pop(), left = pop();
  const Xmm b = to_own_xmm(right), a = to_own_xmm(left);
  for (const Xmm reg : {a, b}) {
    if (half == Half::high) e_.packed(Packed1Imm::pshufd, reg, reg, kHighHalf);
    e_.packed(extend, reg, reg);
  }
  e_.packed(Packed2::pmullw, a, a, b);
  release(right);
  push_vector(a);
}

void Baseline::vector_extend_multiply_16(Packed2 upper, Half half) {
  Operand right = pop(), left = pop();
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  e_.packed(upper, kScratchXmm, a, b);
  e_.packed(Packed2::pmullw, a, a, b);
  e_.packed(half == Half::high ? Packed2::punpckhwd : Packed2::punpcklwd, a, a, kScratchXmm);
  release(right);
  push_vector(a);
}

void Baseline::vector_extend_multiply_32(Packed2 multiply, Half half) {
  Operand right = pop(), left = pop();
  const Xmm b = to_own_xmm(right), a = to_own_xmm(left);
  for (const Xmm reg : {a, b}) e_.packed(Packed1Imm::pshufd, reg, reg, half == Half::high ? kSpreadHigh : kSpreadLow);
  e_.packed(multiply, a, a, b);
  release(right);
  push_vector(a);
}

void Baseline::vector_add_pairs(Op op) {
  constexpr Vector kBytes = {kOnes8, kOnes8}, kWords = {kOnes16, kOnes16};
  Operand value = pop();
  const Xmm reg = to_own_xmm(value);
  switch (op) {
  case Op::i16x8_extadd_pairwise_i8x16_s: // the first operand of pmaddubsw is unsigned, the second signed
    load_vector_constant(kScratchXmm, kBytes);
    e_.packed(Packed2::pmaddubsw, kScratchXmm, kScratchXmm, reg);
    e_.movaps(reg, kScratchXmm);
    break;
  case Op::i16x8_extadd_pairwise_i8x16_u: e_.packed(Packed2::pmaddubsw, reg, reg, pooled(kBytes)); break;
  case Op::i32x4_extadd_pairwise_i16x8_s: e_.packed(Packed2::pmaddwd, reg, reg, pooled(kWords)); break;
  default: // unsigned lanes less 2^15 are signed; each pair is then 2^16 too small
    e_.packed(Packed2::pxor, reg, reg, pooled({0x8000 * kOnes16, 0x8000 * kOnes16}));
    e_.packed(Packed2::pmaddwd, reg, reg, pooled(kWords));
    e_.packed(Packed2::paddd, reg, reg, pooled({0x1'0000 * kOnes32, 0x1'0000 * kOnes32}));
    break;
  }
  push_vector(reg);
}

// Signed bytes of each pair, multiplied and added in 16 bits.
void Baseline::vector_dot_bytes(Xmm left, Xmm right) {
  const Xmm even = alloc_xmm();
  e_.packed(PackedShift::psllw, even, left, 8);
  e_.packed(PackedShift::psraw, even, even, 8);
  e_.packed(PackedShift::psllw, kScratchXmm, right, 8);
  e_.packed(PackedShift::psraw, kScratchXmm, kScratchXmm, 8);
  e_.packed(Packed2::pmullw, even, even, kScratchXmm);
  e_.packed(PackedShift::psraw, left, left, 8);
  e_.packed(PackedShift::psraw, kScratchXmm, right, 8);
  e_.packed(Packed2::pmullw, left, left, kScratchXmm);
  e_.packed(Packed2::paddw, left, left, even);
  release(even);
}

void Baseline::vector_relaxed_dot() {
  Operand right = pop(), left = pop();
  const Xmm b = to_xmm(right), a = to_own_xmm(left);
  vector_dot_bytes(a, b);
  release(right);
  push_vector(a);
}

void Baseline::vector_relaxed_dot_add() {
  Operand addend = pop(), right = pop(), left = pop();
  const Xmm sum = to_xmm(addend), b = to_xmm(right), a = to_own_xmm(left);
  vector_dot_bytes(a, b);
  e_.packed(Packed2::pmaddwd, a, a, pooled({kOnes16, kOnes16}));
  e_.packed(Packed2::paddd, a, a, sum);
  release(addend);
  release(right);
  push_vector(a);
}

} // namespace runtime::baseline
