// The baseline compiler's abstract operand stack and register allocation: where each value is, and moving it elsewhere.
#include "runtime/codegen/baseline/baseline.hpp"
#include <bit>

namespace runtime::baseline {
namespace {

// Taken last by alloc_gpr: division, shifts, calls' results want these.
constexpr uint32_t kReluctant = 1u << static_cast<uint32_t>(Gpr::rax) | 1u << static_cast<uint32_t>(Gpr::rcx) |
                                1u << static_cast<uint32_t>(Gpr::rdx);

} // namespace

// --- pushing and popping ---------------------------------------------------------------------------------------------

Operand Baseline::pop() {
  const Operand value = stack_.back();
  stack_.pop_back();
  if (settled_ > stack_.size()) settled_ = static_cast<uint32_t>(stack_.size());
  if (value.is_gpr())
    gpr_owner_[static_cast<size_t>(value.gpr())] = kNone;
  else if (value.is_xmm())
    xmm_owner_[static_cast<size_t>(value.xmm())] = kNone;
  else if (value.is_local())
    locals_[value.local_index()].newest_alias = value.older_alias();
  return value;
}

void Baseline::push_gpr(ValKind type, Gpr reg) {
  gpr_owner_[static_cast<size_t>(reg)] = height();
  stack_.push_back(Operand::gpr(type, reg));
}

void Baseline::push_xmm(ValKind type, Xmm reg) {
  xmm_owner_[static_cast<size_t>(reg)] = height();
  stack_.push_back(Operand::xmm(type, reg));
}

void Baseline::push_slot(ValKind type) {
  const uint32_t index = height();
  (void)slot_for_store(index);
  stack_.push_back(Operand::slot(type, index));
}

void Baseline::push_constant(ValKind type, uint64_t bits) { stack_.push_back(Operand::constant(type, bits)); }

void Baseline::push_local(uint32_t index) {
  Local& local = locals_[index];
  const uint32_t older = local.newest_alias;
  local.newest_alias = height();
  stack_.push_back(Operand::local(local.type, index, older));
}

void Baseline::push_flags(Test test) { stack_.push_back(Operand::flags(test)); }

void Baseline::push_again(const Operand& value) {
  if (value.is_gpr())
    push_gpr(value.type(), value.gpr());
  else if (value.is_xmm())
    push_xmm(value.type(), value.xmm());
  else if (value.is_local())
    push_local(value.local_index());
  else
    push(value);
}

void Baseline::materialize_flags() {
  const Test test = pop().test();
  const Gpr reg = alloc_gpr(); // may store a register, which keeps the flags
  if (!is_cond(test)) {
    const bool equal = test == Test::float_eq;
    e_.setcc(equal ? Cond::np : Cond::p, kScratch);
    e_.setcc(equal ? Cond::e : Cond::ne, reg);
    e_.alu(equal ? Alu::and_ : Alu::or_, Width::w32, reg, kScratch);
  } else {
    e_.setcc(cond_of(test), reg);
  }
  e_.movzx8(reg, reg);
  push_gpr(ValKind::i32, reg);
}

void Baseline::truncate(uint32_t new_height) {
  while (stack_.size() > new_height) release(pop());
}

// --- registers -------------------------------------------------------------------------------------------------------

Gpr Baseline::alloc_gpr(uint32_t except) {
  uint32_t candidates = free_gprs_ & ~except;
  if (candidates == 0) [[unlikely]] {
    // The deepest entry will be needed last. There is one: no instruction holds as many operands as there are
    // registers.
    uint32_t victim = kNone;
    for (uint32_t left = temporary_gprs_ & ~free_gprs_ & ~except; left != 0; left &= left - 1)
      victim = std::min(victim, gpr_owner_[static_cast<size_t>(std::countr_zero(left))]);
    evict(victim);
    candidates = free_gprs_ & ~except;
  }
  if ((candidates & ~kReluctant) != 0) candidates &= ~kReluctant;
  const Gpr reg = static_cast<Gpr>(std::countr_zero(candidates));
  free_gprs_ &= ~bit(reg);
  gpr_owner_[static_cast<size_t>(reg)] = kNone;
  return reg;
}

Xmm Baseline::alloc_xmm() {
  if (free_xmms_ == 0) [[unlikely]] {
    uint32_t victim = kNone;
    for (uint32_t left = temporary_xmms_; left != 0; left &= left - 1)
      victim = std::min(victim, xmm_owner_[static_cast<size_t>(std::countr_zero(left))]);
    evict(victim);
  }
  const Xmm reg = static_cast<Xmm>(std::countr_zero(free_xmms_));
  free_xmms_ &= ~bit(reg);
  xmm_owner_[static_cast<size_t>(reg)] = kNone;
  return reg;
}

void Baseline::take_gpr(Gpr reg) {
  if ((free_gprs_ & bit(reg)) == 0) evict(gpr_owner_[static_cast<size_t>(reg)]);
  free_gprs_ &= ~bit(reg);
  gpr_owner_[static_cast<size_t>(reg)] = kNone;
}

void Baseline::evict(uint32_t stack_index) {
  Operand& value = stack_[stack_index];
  store_value(slot_for_store(stack_index), value);
  release(value);
  value = Operand::slot(value.type(), stack_index);
}

void Baseline::release(const Operand& value) {
  if (value.is_gpr())
    free_gpr(value.gpr());
  else if (value.is_xmm())
    free_xmm(value.xmm());
}

Gpr Baseline::gpr_of(const Operand& value) const {
  if (value.is_gpr()) return value.gpr();
  if (value.is_local() && locals_[value.local_index()].pinned)
    return static_cast<Gpr>(locals_[value.local_index()].reg);
  return kNoGpr;
}

Xmm Baseline::xmm_of(const Operand& value) const {
  if (value.is_xmm()) return value.xmm();
  if (value.is_local() && locals_[value.local_index()].pinned)
    return static_cast<Xmm>(locals_[value.local_index()].reg);
  return kNoXmm;
}

Gpr Baseline::to_gpr(Operand& value) {
  if (const Gpr reg = gpr_of(value); reg != kNoGpr) return reg;
  return to_own_gpr(value);
}

Gpr Baseline::to_own_gpr(Operand& value, uint32_t except) {
  if (is_temporary(value) && (bit(value.gpr()) & except) == 0) return value.gpr();
  const Gpr reg = alloc_gpr(except);
  load_gpr(reg, value);
  release(value);
  value = Operand::gpr(value.type(), reg);
  return reg;
}

Xmm Baseline::to_xmm(Operand& value) {
  if (const Xmm reg = xmm_of(value); reg != kNoXmm) return reg;
  return to_own_xmm(value);
}

Xmm Baseline::to_own_xmm(Operand& value) {
  if (is_temporary(value)) return value.xmm();
  const Xmm reg = alloc_xmm();
  load_xmm(reg, value);
  value = Operand::xmm(value.type(), reg);
  return reg;
}

void Baseline::load_gpr(Gpr reg, const Operand& value) {
  if (value.is_constant()) return load_gpr_constant(reg, value.bits());
  if (const Gpr from = gpr_of(value); from != kNoGpr) {
    if (from != reg) e_.mov(value.width(), reg, from);
    return;
  }
  e_.mov(value.width(), reg, memory_of(value));
}

void Baseline::load_xmm(Xmm reg, const Operand& value) {
  const bool is_double = value.type() == ValKind::f64;
  if (value.is_constant()) return load_xmm_constant(reg, is_double, value.bits());
  if (const Xmm from = xmm_of(value); from != kNoXmm) {
    if (from != reg) e_.movaps(reg, from);
    return;
  }
  e_.movs(is_double, reg, memory_of(value));
}

void Baseline::load_xmm_constant(Xmm reg, bool is_double, uint64_t bits) {
  if (bits == 0) return e_.logic(SseLogic::xor_, reg, reg);
  e_.mov_imm(kScratch, bits);
  e_.movd(is_double ? Width::w64 : Width::w32, reg, kScratch);
}

void Baseline::store_value(const Mem& to, const Operand& value) {
  if (value.is_constant()) {
    const int32_t low = static_cast<int32_t>(value.bits());
    if (value.type() == ValKind::i32 || value.type() == ValKind::f32) {
      e_.mov_imm(Width::w32, to, low);
    } else if (static_cast<int64_t>(value.bits()) == low) {
      e_.mov_imm(Width::w64, to, low);
    } else {
      e_.mov_imm(Width::w32, to, low);
      e_.mov_imm(Width::w32, {to.base, to.disp + 4, to.index, to.scale_log2}, static_cast<int32_t>(value.bits() >> 32));
    }
  } else if (in_memory(value)) {
    // Not through r11, which may be the base of `to`.
    e_.movs(true, kScratchXmm, memory_of(value));
    e_.movs(true, to, kScratchXmm);
  } else if (value.is_float()) {
    e_.movs(value.type() == ValKind::f64, to, xmm_of(value));
  } else {
    e_.mov(Width::w64, to, gpr_of(value));
  }
}

// --- moving entries --------------------------------------------------------------------------------------------------

void Baseline::settle_all() {
  for (uint32_t i = settled_; i < stack_.size(); ++i) {
    Operand& value = stack_[i];
    if (value.is_constant() || value.is_slot()) continue;
    if (value.is_local()) locals_[value.local_index()].newest_alias = kNone; // all of them go, here or before
    evict(i);
  }
  settled_ = height();
}

void Baseline::settle_to_slots(uint32_t count) {
  for (uint32_t i = height() - count; i < stack_.size(); ++i)
    if (!stack_[i].is_slot()) evict(i);
}

void Baseline::spill_registers() {
  for (uint32_t left = temporary_gprs_ & ~free_gprs_; left != 0; left &= left - 1)
    if (const uint32_t owner = gpr_owner_[static_cast<size_t>(std::countr_zero(left))]; owner != kNone) evict(owner);
  for (uint32_t left = temporary_xmms_ & ~free_xmms_; left != 0; left &= left - 1)
    if (const uint32_t owner = xmm_owner_[static_cast<size_t>(std::countr_zero(left))]; owner != kNone) evict(owner);
}

void Baseline::unshare_local(uint32_t index) {
  Local& local = locals_[index];
  for (uint32_t at = local.newest_alias; at != kNone;) {
    const uint32_t older = stack_[at].older_alias();
    Operand value = stack_[at];
    const bool is_float = value.is_float();
    if (is_float ? free_xmms_ != 0 : free_gprs_ != 0) {
      if (is_float)
        xmm_owner_[static_cast<size_t>(to_own_xmm(value))] = at;
      else
        gpr_owner_[static_cast<size_t>(to_own_gpr(value))] = at;
      stack_[at] = value;
    } else {
      evict(at);
    }
    at = older;
  }
  local.newest_alias = kNone;
}

// --- looking one instruction ahead -----------------------------------------------------------------------------------

const Baseline::Local* Baseline::next_set(uint32_t immediates) const {
  // A body ends with the `end` instruction and the module's bytes do not end before it, so the byte behind an
  // instruction exists; further ones are checked. What is read here was not validated yet: it is only a hint.
  const std::vector<std::byte>& bytes = module_.bytes;
  size_t at = size_t{position_} + 1;
  for (; immediates > 0; --immediates) {
    while (at < bytes.size() && (std::to_integer<uint8_t>(bytes[at]) & 0x80) != 0) ++at;
    ++at;
  }
  if (at + 1 >= bytes.size()) return nullptr;
  const auto opcode = std::to_integer<uint8_t>(bytes[at]);
  const auto index = std::to_integer<uint8_t>(bytes[at + 1]);
  if ((opcode != static_cast<uint8_t>(Op::local_set) && opcode != static_cast<uint8_t>(Op::local_tee)) ||
      index >= 0x80 || index >= locals_.size())
    return nullptr;
  const Local& local = locals_[index];
  return local.pinned && local.newest_alias == kNone ? &local : nullptr;
}

Gpr Baseline::destination_gpr(uint32_t immediates) const {
  const Local* local = next_set(immediates);
  if (local == nullptr || local->type == ValKind::f32 || local->type == ValKind::f64) return kNoGpr;
  return static_cast<Gpr>(local->reg);
}

Xmm Baseline::destination_xmm(uint32_t immediates) const {
  const Local* local = next_set(immediates);
  if (local == nullptr || (local->type != ValKind::f32 && local->type != ValKind::f64)) return kNoXmm;
  return static_cast<Xmm>(local->reg);
}

std::unexpected<Error> Baseline::unsupported(Op op) { return unsupported(std::string(op_info(op).text)); }

std::unexpected<Error> Baseline::unsupported(std::string what) {
  return std::unexpected(
      Error{.kind = ErrorKind::unsupported, .message = std::move(what) + " is not implemented by this compiler"});
}

} // namespace runtime::baseline
