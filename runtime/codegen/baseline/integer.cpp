// The baseline compiler: integer instructions (spec §4.3.2).
#include "runtime/codegen/baseline/baseline.hpp"
#include <bit>
#include <utility>

namespace runtime::baseline {
namespace {

bool fits_imm32(uint64_t bits) { return static_cast<int64_t>(bits) == static_cast<int32_t>(bits); }

} // namespace

// op to, value: as immediate, memory operand or register.
void Baseline::apply_alu(Alu op, Width width, Gpr to, const Operand& value) {
  if (value.is_constant()) {
    if (width == Width::w32 || fits_imm32(value.bits()))
      return e_.alu_imm(op, width, to, static_cast<int32_t>(value.bits()));
    e_.mov_imm(kScratch, value.bits());
    return e_.alu(op, width, to, kScratch);
  }
  if (in_memory(value)) return e_.alu(op, width, to, memory_of(value));
  e_.alu(op, width, to, gpr_of(value));
}

void Baseline::integer_alu(Alu op, ValKind type, Operands operands) {
  const bool commutative = operands == Operands::commutative;
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  Operand right = pop(), left = pop();
  if (commutative && (left.is_constant() || (is_temporary(right) && !is_temporary(left)))) std::swap(left, right);
  Gpr to = destination_gpr();
  if (to != kNoGpr && gpr_of(right) == to) {
    if (commutative)
      std::swap(left, right);
    else
      to = kNoGpr;
  }
  // Without a register of its own the result is computed into a new one; additions by lea, without a move.
  if (to == kNoGpr) to = is_temporary(left) ? left.gpr() : alloc_gpr();
  const Gpr from = gpr_of(left);
  const bool adds =
      op == Alu::add || (op == Alu::sub && right.is_constant() && static_cast<int32_t>(right.bits()) != INT32_MIN);
  if (adds && from != kNoGpr && from != to && right.is_constant() &&
      (width == Width::w32 || fits_imm32(right.bits()))) {
    const auto value = static_cast<int32_t>(right.bits());
    e_.lea(width, to, {from, op == Alu::add ? value : -value});
  } else if (op == Alu::add && from != kNoGpr && from != to && gpr_of(right) != kNoGpr) {
    e_.lea(width, to, {from, 0, gpr_of(right), 0});
  } else {
    load_gpr(to, left);
    apply_alu(op, width, to, right);
  }
  if (is_temporary(left) && left.gpr() != to) release(left);
  release(right);
  push_gpr(type, to);
}

void Baseline::integer_mul(ValKind type) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  Operand right = pop(), left = pop();
  if (left.is_constant() || (is_temporary(right) && !is_temporary(left) && !right.is_constant()))
    std::swap(left, right);
  Gpr to = destination_gpr();
  if (to != kNoGpr && gpr_of(right) == to) std::swap(left, right);
  if (to == kNoGpr) to = is_temporary(left) ? left.gpr() : alloc_gpr();
  if (right.is_constant() && std::has_single_bit(right.bits())) {
    load_gpr(to, left);
    e_.shift_imm(Shift::shl, width, to, static_cast<uint8_t>(std::countr_zero(right.bits())));
  } else if (right.is_constant() && (width == Width::w32 || fits_imm32(right.bits()))) {
    Gpr from = gpr_of(left);
    if (from == kNoGpr) {
      load_gpr(to, left);
      from = to;
    }
    e_.imul_imm(width, to, from, static_cast<int32_t>(right.bits()));
  } else {
    load_gpr(to, left);
    if (right.is_constant()) {
      e_.mov_imm(kScratch, right.bits());
      e_.imul(width, to, kScratch);
    } else if (in_memory(right)) {
      e_.imul(width, to, memory_of(right));
    } else {
      e_.imul(width, to, gpr_of(right));
    }
  }
  if (is_temporary(left) && left.gpr() != to) release(left);
  release(right);
  push_gpr(type, to);
}

void Baseline::integer_compare(Cond cond, ValKind type) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  Operand right = pop(), left = pop();
  if (left.is_constant()) {
    std::swap(left, right);
    switch (cond) { // a < b is b > a
    case Cond::l: cond = Cond::g; break;
    case Cond::g: cond = Cond::l; break;
    case Cond::le: cond = Cond::ge; break;
    case Cond::ge: cond = Cond::le; break;
    case Cond::b: cond = Cond::a; break;
    case Cond::a: cond = Cond::b; break;
    case Cond::be: cond = Cond::ae; break;
    case Cond::ae: cond = Cond::be; break;
    default: break;
    }
  }
  const bool short_constant = right.is_constant() && (width == Width::w32 || fits_imm32(right.bits()));
  if (in_memory(left) && short_constant) {
    e_.alu_imm(Alu::cmp, width, memory_of(left), static_cast<int32_t>(right.bits()));
  } else if (in_memory(left) && gpr_of(right) != kNoGpr) {
    e_.alu(Alu::cmp, width, memory_of(left), gpr_of(right));
  } else {
    const Gpr reg = to_gpr(left);
    if (right.is_constant() && right.bits() == 0)
      e_.test(width, reg, reg);
    else
      apply_alu(Alu::cmp, width, reg, right);
  }
  release(left);
  release(right);
  push_flags(test_of(cond));
}

void Baseline::integer_eqz(ValKind type) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  if (stack_.top().is_flags()) {
    const Test test = pop().test();
    return push_flags(negate(test));
  }
  Operand value = pop();
  if (in_memory(value)) {
    e_.alu_imm(Alu::cmp, width, memory_of(value), 0);
  } else {
    const Gpr reg = to_gpr(value);
    e_.test(width, reg, reg);
  }
  release(value);
  push_flags(test_of(Cond::e));
}

void Baseline::integer_shift(Shift shift, ValKind type) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  Operand count = pop(), value = pop();
  Gpr to = destination_gpr();
  if (count.is_constant()) {
    if (to == kNoGpr) to = is_temporary(value) ? value.gpr() : alloc_gpr();
    load_gpr(to, value);
    const auto bits = static_cast<uint8_t>(count.bits() & (type == ValKind::i32 ? 31 : 63));
    if (bits != 0) e_.shift_imm(shift, width, to, bits);
  } else {
    const ShiftX op = shift == Shift::shl ? ShiftX::shlx : shift == Shift::shr ? ShiftX::shrx : ShiftX::sarx;
    const Gpr by = to_gpr(count), from = to_gpr(value);
    if (to == kNoGpr) to = is_temporary(value) ? value.gpr() : alloc_gpr();
    e_.shiftx(op, width, to, from, by);
  }
  if (is_temporary(value) && value.gpr() != to) release(value);
  release(count);
  push_gpr(type, to);
}

void Baseline::integer_rotate(Shift rotate, ValKind type) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  const uint32_t mask = type == ValKind::i32 ? 31 : 63;
  Operand count = pop(), value = pop();
  if (count.is_constant()) {
    const auto by = static_cast<uint32_t>(count.bits()) & mask;
    const Gpr from = to_gpr(value);
    Gpr to = destination_gpr();
    if (to == kNoGpr) to = is_temporary(value) ? value.gpr() : alloc_gpr();
    e_.rorx(width, to, from, static_cast<uint8_t>(rotate == Shift::ror ? by : (mask + 1 - by) & mask));
    if (is_temporary(value) && value.gpr() != to) release(value);
    return push_gpr(type, to);
  }
  // The count has to be in cl.
  Gpr to = to_own_gpr(value, {Gpr::rcx});
  if (gpr_of(count) != Gpr::rcx) {
    take_gpr(Gpr::rcx);
    load_gpr(Gpr::rcx, count);
    release(count);
  }
  e_.shift_cl(rotate, width, to);
  gprs_.release(Gpr::rcx);
  push_gpr(type, to);
}

// Division by a constant other than 0 cannot trap, except for -1; unsigned powers of two need no division.
bool Baseline::divide_by_constant(ValKind type, Signedness sign, Division wanted) {
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  if (!stack_.top().is_constant() || sign == Signedness::signed_ || !std::has_single_bit(stack_.top().bits()))
    return false;
  const uint64_t divisor = pop().bits();
  Operand value = pop();
  const Gpr to = to_own_gpr(value);
  if (wanted == Division::quotient) {
    if (divisor != 1) e_.shift_imm(Shift::shr, width, to, static_cast<uint8_t>(std::countr_zero(divisor)));
  } else if (fits_imm32(divisor - 1) || width == Width::w32) {
    e_.alu_imm(Alu::and_, width, to, static_cast<int32_t>(divisor - 1));
  } else {
    e_.mov_imm(kScratch, divisor - 1);
    e_.alu(Alu::and_, width, to, kScratch);
  }
  push_gpr(type, to);
  return true;
}

void Baseline::divide(ValKind type, Signedness sign, Division wanted) {
  if (divide_by_constant(type, sign, wanted)) return;
  const bool remainder = wanted == Division::remainder;
  const Width width = type == ValKind::i32 ? Width::w32 : Width::w64;
  Operand right = pop(), left = pop();
  const bool constant = right.is_constant();
  const uint64_t minus_one = type == ValKind::i32 ? 0xffff'ffff : ~uint64_t{0};
  const uint64_t divisor = constant ? right.bits() : 0;

  // The divisor in a register other than rax and rdx, the dividend in rax, rdx ours.
  Gpr by = gpr_of(right);
  if (by == kNoGpr || by == Gpr::rax || by == Gpr::rdx) by = to_own_gpr(right, {Gpr::rax, Gpr::rdx});
  if (gpr_of(left) != Gpr::rax) {
    take_gpr(Gpr::rax);
    load_gpr(Gpr::rax, left);
    release(left);
  }
  take_gpr(Gpr::rdx);

  if (!constant || divisor == 0) {
    e_.test(width, by, by);
    trap_if(Cond::e, TrapCode::integer_divide_by_zero);
  }
  if (sign == Signedness::unsigned_) {
    e_.alu(Alu::xor_, Width::w32, Gpr::rdx, Gpr::rdx);
    e_.div(width, by);
  } else {
    // The one overflow: the least integer by -1. As a remainder it is 0, as all by -1 are.
    ShortJump done{};
    const bool may_overflow = !constant || divisor == minus_one;
    if (may_overflow) {
      e_.alu_imm(Alu::cmp, width, by, -1);
      const ShortJump ordinary = e_.jcc_short(Cond::ne);
      if (remainder) {
        e_.alu(Alu::xor_, Width::w32, Gpr::rdx, Gpr::rdx);
        done = e_.jmp_short();
      } else {
        e_.alu_imm(Alu::cmp, width, Gpr::rax, 1); // overflows for the least integer alone
        trap_if(Cond::o, TrapCode::integer_overflow);
      }
      e_.bind(ordinary);
    }
    e_.sign_extend_rax_to_rdx(width);
    e_.idiv(width, by);
    if (may_overflow && remainder) e_.bind(done);
  }
  release(right);
  gprs_.release(remainder ? Gpr::rax : Gpr::rdx);
  push_gpr(type, remainder ? Gpr::rdx : Gpr::rax);
}

template <class Emit> void Baseline::integer_unary(ValKind from, ValKind to, Emit emit) {
  Operand value = pop();
  value.retype(from);
  const Gpr source = to_gpr(value);
  Gpr target = destination_gpr();
  if (target == kNoGpr) target = is_temporary(value) ? value.gpr() : alloc_gpr();
  emit(target, source);
  if (is_temporary(value) && value.gpr() != target) release(value);
  push_gpr(to, target);
}

Result<void> Baseline::numeric(Op op) {
  using enum ValKind;
  using enum Signedness;
  using enum Division;
  using enum Operands;
  if (op == Op::i32_eqz) {
    integer_eqz(i32);
    return {};
  }
  settle_flags();
  if (e_.offset() > code_limit_) [[unlikely]]
    return check_code_size();
  constexpr Width w32 = Width::w32, w64 = Width::w64;
  switch (op) {
  case Op::i64_eqz: integer_eqz(i64); break;
  case Op::i32_eq: integer_compare(Cond::e, i32); break;
  case Op::i32_ne: integer_compare(Cond::ne, i32); break;
  case Op::i32_lt_s: integer_compare(Cond::l, i32); break;
  case Op::i32_lt_u: integer_compare(Cond::b, i32); break;
  case Op::i32_gt_s: integer_compare(Cond::g, i32); break;
  case Op::i32_gt_u: integer_compare(Cond::a, i32); break;
  case Op::i32_le_s: integer_compare(Cond::le, i32); break;
  case Op::i32_le_u: integer_compare(Cond::be, i32); break;
  case Op::i32_ge_s: integer_compare(Cond::ge, i32); break;
  case Op::i32_ge_u: integer_compare(Cond::ae, i32); break;
  case Op::i64_eq: integer_compare(Cond::e, i64); break;
  case Op::i64_ne: integer_compare(Cond::ne, i64); break;
  case Op::i64_lt_s: integer_compare(Cond::l, i64); break;
  case Op::i64_lt_u: integer_compare(Cond::b, i64); break;
  case Op::i64_gt_s: integer_compare(Cond::g, i64); break;
  case Op::i64_gt_u: integer_compare(Cond::a, i64); break;
  case Op::i64_le_s: integer_compare(Cond::le, i64); break;
  case Op::i64_le_u: integer_compare(Cond::be, i64); break;
  case Op::i64_ge_s: integer_compare(Cond::ge, i64); break;
  case Op::i64_ge_u: integer_compare(Cond::ae, i64); break;
  case Op::i32_add: integer_alu(Alu::add, i32, commutative); break;
  case Op::i32_sub: integer_alu(Alu::sub, i32, ordered); break;
  case Op::i32_and: integer_alu(Alu::and_, i32, commutative); break;
  case Op::i32_or: integer_alu(Alu::or_, i32, commutative); break;
  case Op::i32_xor: integer_alu(Alu::xor_, i32, commutative); break;
  case Op::i64_add: integer_alu(Alu::add, i64, commutative); break;
  case Op::i64_sub: integer_alu(Alu::sub, i64, ordered); break;
  case Op::i64_and: integer_alu(Alu::and_, i64, commutative); break;
  case Op::i64_or: integer_alu(Alu::or_, i64, commutative); break;
  case Op::i64_xor: integer_alu(Alu::xor_, i64, commutative); break;
  case Op::i32_mul: integer_mul(i32); break;
  case Op::i64_mul: integer_mul(i64); break;
  case Op::i32_div_s: divide(i32, signed_, quotient); break;
  case Op::i32_div_u: divide(i32, unsigned_, quotient); break;
  case Op::i32_rem_s: divide(i32, signed_, remainder); break;
  case Op::i32_rem_u: divide(i32, unsigned_, remainder); break;
  case Op::i64_div_s: divide(i64, signed_, quotient); break;
  case Op::i64_div_u: divide(i64, unsigned_, quotient); break;
  case Op::i64_rem_s: divide(i64, signed_, remainder); break;
  case Op::i64_rem_u: divide(i64, unsigned_, remainder); break;
  case Op::i32_shl: integer_shift(Shift::shl, i32); break;
  case Op::i32_shr_s: integer_shift(Shift::sar, i32); break;
  case Op::i32_shr_u: integer_shift(Shift::shr, i32); break;
  case Op::i64_shl: integer_shift(Shift::shl, i64); break;
  case Op::i64_shr_s: integer_shift(Shift::sar, i64); break;
  case Op::i64_shr_u: integer_shift(Shift::shr, i64); break;
  case Op::i32_rotl: integer_rotate(Shift::rol, i32); break;
  case Op::i32_rotr: integer_rotate(Shift::ror, i32); break;
  case Op::i64_rotl: integer_rotate(Shift::rol, i64); break;
  case Op::i64_rotr: integer_rotate(Shift::ror, i64); break;
  case Op::i32_clz: integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.lzcnt(w32, to, from); }); break;
  case Op::i32_ctz: integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.tzcnt(w32, to, from); }); break;
  case Op::i32_popcnt: integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.popcnt(w32, to, from); }); break;
  case Op::i64_clz: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.lzcnt(w64, to, from); }); break;
  case Op::i64_ctz: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.tzcnt(w64, to, from); }); break;
  case Op::i64_popcnt: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.popcnt(w64, to, from); }); break;
  case Op::i32_extend8_s: integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.movsx8(w32, to, from); }); break;
  case Op::i32_extend16_s: integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.movsx16(w32, to, from); }); break;
  case Op::i64_extend8_s: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.movsx8(w64, to, from); }); break;
  case Op::i64_extend16_s: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.movsx16(w64, to, from); }); break;
  case Op::i64_extend32_s: integer_unary(i64, i64, [&](Gpr to, Gpr from) { e_.movsxd(to, from); }); break;
  case Op::i64_extend_i32_s: integer_unary(i32, i64, [&](Gpr to, Gpr from) { e_.movsxd(to, from); }); break;
  case Op::i64_extend_i32_u: // zero-extended already
    integer_unary(i32, i64, [&](Gpr to, Gpr from) {
      if (to != from) e_.mov(w32, to, from);
    });
    break;
  case Op::i32_wrap_i64:
    if (stack_.top().is_constant()) push_constant(i32, pop().bits() & 0xffff'ffff);
    integer_unary(i32, i32, [&](Gpr to, Gpr from) { e_.mov(w32, to, from); });
    break;
  default: return floating(op);
  }
  return {};
}

} // namespace runtime::baseline
