// The baseline compiler: where operands are. Taking registers, and moving operands to where they are wanted.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {
namespace {

// Taken last by alloc_gpr: division, shifts, calls' results want these.
constexpr RegisterSet<Gpr> kReluctant = {Gpr::rax, Gpr::rcx, Gpr::rdx};

} // namespace

// --- pushing ---------------------------------------------------------------------------------------------------------

void Baseline::push_gpr(ValKind type, Gpr reg) { stack_.push(Operand::gpr(type, reg)); }
void Baseline::push_xmm(ValKind type, Xmm reg) { stack_.push(Operand::xmm(type, reg)); }
void Baseline::push_constant(ValKind type, uint64_t bits) { stack_.push(Operand::constant(type, bits)); }
void Baseline::push_local(uint32_t index) { stack_.push_local(locals_[index].type(), index); }
void Baseline::push_flags(Test test) { stack_.push(Operand::flags(test)); }
void Baseline::push_again(const Operand& value) { stack_.push(value); }

void Baseline::push_slot(ValKind type) {
  (void)slot_for_store(height());
  stack_.push(Operand::slot(type, height()));
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
  while (height() > new_height) release(pop());
}

// --- registers -------------------------------------------------------------------------------------------------------

Gpr Baseline::alloc_gpr(RegisterSet<Gpr> except) {
  RegisterSet<Gpr> candidates = gprs_.free() - except;
  if (candidates.empty()) [[unlikely]] {
    // The deepest entry will be needed last. There is one: no instruction holds as many operands as there are
    // registers.
    evict(stack_.deepest_owner(gprs_.taken() - except));
    candidates = gprs_.free() - except;
  }
  const RegisterSet<Gpr> preferred = candidates - kReluctant;
  const Gpr reg = (preferred.empty() ? candidates : preferred).lowest();
  gprs_.take(reg);
  return reg;
}

Xmm Baseline::alloc_xmm() {
  if (xmms_.free().empty()) [[unlikely]]
    evict(stack_.deepest_owner(xmms_.taken()));
  const Xmm reg = xmms_.free().lowest();
  xmms_.take(reg);
  return reg;
}

void Baseline::take_gpr(Gpr reg) {
  if (!gprs_.is_free(reg)) evict(stack_.owner(reg));
  gprs_.take(reg);
}

void Baseline::evict(uint32_t stack_index) {
  const Operand value = stack_[stack_index];
  store_value(slot_for_store(stack_index), value);
  release(value);
  stack_.set_slot(stack_index);
}

void Baseline::release(const Operand& value) {
  if (value.is_gpr())
    gprs_.release(value.gpr());
  else if (value.is_xmm())
    xmms_.release(value.xmm());
}

Gpr Baseline::gpr_of(const Operand& value) const {
  if (value.is_gpr()) return value.gpr();
  if (value.is_local() && locals_[value.local_index()].is_pinned()) return locals_[value.local_index()].gpr();
  return kNoGpr;
}

Xmm Baseline::xmm_of(const Operand& value) const {
  if (value.is_xmm()) return value.xmm();
  if (value.is_local() && locals_[value.local_index()].is_pinned()) return locals_[value.local_index()].xmm();
  return kNoXmm;
}

Gpr Baseline::to_gpr(Operand& value) {
  if (const Gpr reg = gpr_of(value); reg != kNoGpr) return reg;
  return to_own_gpr(value);
}

Gpr Baseline::to_own_gpr(Operand& value, RegisterSet<Gpr> except) {
  if (is_temporary(value) && !except.contains(value.gpr())) return value.gpr();
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
  if (value.is_constant()) return load_xmm_constant(reg, value.float_width(), value.bits());
  if (const Xmm from = xmm_of(value); from != kNoXmm) {
    if (from != reg) e_.movaps(reg, from);
    return;
  }
  load_xmm_from(value.type(), reg, memory_of(value));
}

void Baseline::load_xmm_constant(Xmm reg, FloatWidth width, uint64_t bits) {
  if (bits == 0) return e_.logic(SseLogic::xor_, reg, reg);
  e_.mov_imm(kScratch, bits);
  e_.movd(width == FloatWidth::f64 ? Width::w64 : Width::w32, reg, kScratch);
}

void Baseline::load_xmm_from(ValKind type, Xmm to, const Mem& from) {
  if (type == ValKind::v128)
    e_.packed(Packed1::movups, to, from);
  else
    e_.movs(float_width_of(type), to, from);
}

void Baseline::store_xmm_to(ValKind type, const Mem& to, Xmm from) {
  if (type == ValKind::v128)
    e_.movups(to, from);
  else
    e_.movs(float_width_of(type), to, from);
}

// Not through r11, which may be the base of `to`.
void Baseline::copy_memory(ValKind type, const Mem& to, const Mem& from) {
  const ValKind carried = type == ValKind::v128 ? type : ValKind::f64;
  load_xmm_from(carried, kScratchXmm, from);
  store_xmm_to(carried, to, kScratchXmm);
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
    copy_memory(value.type(), to, memory_of(value));
  } else if (value.in_xmm()) {
    store_xmm_to(value.type(), to, xmm_of(value));
  } else {
    e_.mov(Width::w64, to, gpr_of(value));
  }
}

// --- moving entries --------------------------------------------------------------------------------------------------

void Baseline::settle_all() {
  stack_.settle([this](uint32_t at, const Operand& value) {
    store_value(slot_for_store(at), value);
    release(value);
  });
}

void Baseline::settle_to_slots(uint32_t count) {
  for (uint32_t i = height() - count; i < height(); ++i)
    if (!stack_[i].is_slot()) evict(i);
}

void Baseline::spill_registers() {
  for (const Gpr reg : gprs_.taken())
    if (const uint32_t owner = stack_.owner(reg); owner != OperandStack::kNoEntry) evict(owner);
  for (const Xmm reg : xmms_.taken())
    if (const uint32_t owner = stack_.owner(reg); owner != OperandStack::kNoEntry) evict(owner);
}

void Baseline::unshare_local(uint32_t index) {
  stack_.unshare(index, [this](uint32_t at, Operand value) {
    if (value.in_xmm() ? xmms_.free().empty() : gprs_.free().empty()) {
      store_value(slot_for_store(at), value);
      return Operand::slot(value.type(), at);
    }
    if (value.in_xmm())
      (void)to_own_xmm(value);
    else
      (void)to_own_gpr(value);
    return value;
  });
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
  return local.is_pinned() && stack_.newest_alias(index) == OperandStack::kNoEntry ? &local : nullptr;
}

Gpr Baseline::destination_gpr(uint32_t immediates) const {
  const Local* local = next_set(immediates);
  if (local == nullptr || local->in_xmm()) return kNoGpr;
  return local->gpr();
}

Xmm Baseline::destination_xmm(uint32_t immediates) const {
  const Local* local = next_set(immediates);
  if (local == nullptr || !local->in_xmm()) return kNoXmm;
  return local->xmm();
}

std::unexpected<Error> Baseline::unsupported(Op op) { return unsupported(std::string(op_info(op).text)); }

std::unexpected<Error> Baseline::unsupported(std::string what) {
  return std::unexpected(
      Error{.kind = ErrorKind::unsupported, .message = std::move(what) + " is not implemented by this compiler"});
}

} // namespace runtime::baseline
