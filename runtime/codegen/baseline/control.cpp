// The baseline compiler: structured control (spec §4.4.8) and joins.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

// --- joins -----------------------------------------------------------------------------------------------------------

bool Baseline::goes_straight(const Control& target) const {
  const std::span<const ValType> types = target.label_types();
  if (types.empty()) return true;
  const uint32_t first = height() - static_cast<uint32_t>(types.size());
  if (types.size() == 1 && target.kind != Control::Kind::loop) {
    const Operand& value = stack_[first];
    return in_xmm(types[0].kind()) ? xmm_of(value) == Xmm::xmm0 : gpr_of(value) == Gpr::rax;
  }
  if (first != target.height) return false;
  for (uint32_t i = first; i < height(); ++i)
    if (!stack_[i].is_slot()) return false;
  return true;
}

void Baseline::move_to_label(const Control& target) {
  const std::span<const ValType> types = target.label_types();
  const uint32_t first = height() - static_cast<uint32_t>(types.size());
  if (types.size() == 1 && target.kind != Control::Kind::loop) {
    if (in_xmm(types[0].kind()))
      load_xmm(Xmm::xmm0, stack_[first]);
    else
      load_gpr(Gpr::rax, stack_[first]);
    return;
  }
  // Ascending: the slot written is never above the slot read, so nothing is overwritten before its turn.
  for (uint32_t i = 0; i < types.size(); ++i) {
    const Operand& value = stack_[first + i];
    if (value.is_slot() && value.slot_index() == target.height + i) continue;
    store_value(slot_for_store(target.height + i), value);
  }
}

void Baseline::push_label_results(const Control& control) {
  truncate(control.height);
  if (control.results.size() == 1) {
    const ValKind type = control.results[0].kind();
    if (in_xmm(type)) {
      xmms_.take(Xmm::xmm0);
      push_xmm(type, Xmm::xmm0);
    } else {
      gprs_.take(Gpr::rax);
      push_gpr(type, Gpr::rax);
    }
    return;
  }
  for (const ValType type : control.results) push_slot(type.kind());
}

// --- blocks ----------------------------------------------------------------------------------------------------------

Result<void> Baseline::block(const BlockType& type) {
  settle_flags();
  settle_all();
  controls_.push_back(
      {Control::Kind::block, height() - static_cast<uint32_t>(type.params.size()), type.params, type.results, {}, {}});
  return check_code_size();
}

Result<void> Baseline::loop(const BlockType& type) {
  settle_flags();
  settle_all();
  settle_to_slots(static_cast<uint32_t>(type.params.size()));
  controls_.push_back(
      {Control::Kind::loop, height() - static_cast<uint32_t>(type.params.size()), type.params, type.results, {}, {}});
  e_.bind(controls_.back().label);
  check_interrupt();
  return check_code_size();
}

Result<void> Baseline::if_(const BlockType& type) {
  Operand condition = pop();
  const bool has_flags = condition.is_flags();
  const Test test = has_flags ? condition.test() : test_of(Cond::ne);
  // Stores and moves only: the flags survive.
  settle_all();
  settle_to_slots(static_cast<uint32_t>(type.params.size()));
  if (!has_flags) {
    const Gpr reg = to_gpr(condition);
    e_.test(Width::w32, reg, reg);
    release(condition);
  }
  controls_.push_back(
      {Control::Kind::if_, height() - static_cast<uint32_t>(type.params.size()), type.params, type.results, {}, {}});
  jump_if(negate(test), controls_.back().else_label);
  return check_code_size();
}

Result<void> Baseline::else_(bool live) {
  if (live) {
    settle_flags();
    Control& control = controls_.back();
    move_to_label(control);
    e_.jmp(control.label);
  }
  Control& control = controls_.back();
  truncate(control.height);
  e_.bind(control.else_label);
  for (const ValType type : control.params) push_slot(type.kind());
  control.kind = Control::Kind::else_;
  return {};
}

Result<void> Baseline::end(bool live) {
  if (live) settle_flags();
  Control& control = controls_.back();
  if (control.kind == Control::Kind::if_) {
    // No else: the parameters are the results.
    if (control.results.empty()) {
      e_.bind(control.else_label);
      e_.bind(control.label);
      truncate(control.height);
    } else {
      if (live) {
        move_to_label(control);
        e_.jmp(control.label);
      }
      truncate(control.height);
      e_.bind(control.else_label);
      for (const ValType type : control.params) push_slot(type.kind());
      move_to_label(control);
      e_.bind(control.label);
      push_label_results(control);
    }
  } else if (control.kind == Control::Kind::loop) {
    // What follows a loop that does not fall through cannot run, but is reported; it finds operands that never are.
    if (!live) push_label_results(control);
  } else if (control.label.used()) {
    if (live) move_to_label(control);
    e_.bind(control.label);
    push_label_results(control);
  } else if (!live) {
    push_label_results(control);
  }
  controls_.pop_back();
  return check_code_size();
}

Result<void> Baseline::try_table(const BlockType&, std::span<const CatchClause>) { return unsupported(Op::try_table); }
Result<void> Baseline::throw_(uint32_t) { return unsupported(Op::throw_); }
Result<void> Baseline::throw_ref() { return unsupported(Op::throw_ref); }

Result<void> Baseline::unreachable() {
  trap_now(TrapCode::unreachable);
  return {};
}

// --- branches --------------------------------------------------------------------------------------------------------

Test Baseline::pop_condition() {
  Operand condition = pop();
  if (condition.is_flags()) return condition.test();
  if (in_memory(condition)) {
    e_.alu_imm(Alu::cmp, Width::w32, memory_of(condition), 0);
    return test_of(Cond::ne);
  }
  const Gpr reg = to_gpr(condition);
  e_.test(Width::w32, reg, reg);
  release(condition);
  return test_of(Cond::ne);
}

void Baseline::jump_if(Test test, Label& label) {
  if (test == Test::float_eq) {
    const ShortJump unordered = e_.jcc_short(Cond::p);
    e_.jcc(Cond::e, label);
    e_.bind(unordered);
  } else if (test == Test::float_ne) {
    e_.jcc(Cond::p, label);
    e_.jcc(Cond::ne, label);
  } else {
    e_.jcc(cond_of(test), label);
  }
}

void Baseline::branch_to(uint32_t depth) {
  if (is_return(depth)) return emit_return();
  Control& target = control_at(depth);
  move_to_label(target);
  e_.jmp(target.label);
}

void Baseline::branch_if(Test test, uint32_t depth) {
  if (!is_return(depth) && goes_straight(control_at(depth))) return jump_if(test, control_at(depth).label);
  Label skip;
  jump_if(negate(test), skip);
  branch_to(depth);
  e_.bind(skip);
}

Result<void> Baseline::br(uint32_t depth) {
  settle_flags();
  branch_to(depth);
  return check_code_size();
}

Result<void> Baseline::br_if(uint32_t depth) {
  branch_if(pop_condition(), depth);
  return check_code_size();
}

Result<void> Baseline::return_() {
  settle_flags();
  emit_return();
  return check_code_size();
}

// Small tables compare, larger ones jump through a table of distances that lies in the code: each entry counts from its
// own end, so the labels' chains patch it like a jump's displacement. Targets that need moves get an edge each.
Result<void> Baseline::br_table(std::span<const uint32_t> depths, uint32_t default_depth) {
  settle_flags();
  Operand index = pop();
  if (depths.empty()) {
    release(index);
    branch_to(default_depth);
    return check_code_size();
  }
  const Gpr reg = to_own_gpr(index);
  release(index);

  edges_.clear();
  edge_depths_.clear();
  ++edge_generation_;
  if (edge_stamp_.size() <= controls_.size()) {
    edge_stamp_.resize(controls_.size() + 1, 0);
    edge_number_.resize(controls_.size() + 1, 0);
  }
  const auto label_of = [&](uint32_t depth) -> Label& {
    if (!is_return(depth) && goes_straight(control_at(depth))) return control_at(depth).label;
    if (edge_stamp_[depth] != edge_generation_) {
      edge_stamp_[depth] = edge_generation_;
      edge_number_[depth] = static_cast<uint32_t>(edges_.size());
      edges_.emplace_back();
      edge_depths_.push_back(depth);
    }
    return edges_[edge_number_[depth]];
  };

  const auto count = static_cast<uint32_t>(depths.size());
  if (count <= 4) {
    for (uint32_t i = 0; i < count; ++i) {
      if (i == 0)
        e_.test(Width::w32, reg, reg);
      else
        e_.alu_imm(Alu::cmp, Width::w32, reg, static_cast<int32_t>(i));
      e_.jcc(Cond::e, label_of(depths[i]));
    }
    e_.jmp(label_of(default_depth));
  } else {
    e_.alu_imm(Alu::cmp, Width::w32, reg, static_cast<int32_t>(count));
    e_.jcc(Cond::ae, label_of(default_depth));
    Label table;
    e_.lea_label(kScratch, table);
    e_.lea(Width::w64, kScratch, {kScratch, 0, reg, 2});
    e_.movsxd(reg, Mem{kScratch});
    e_.lea(Width::w64, kScratch, {kScratch, 4, reg, 0});
    e_.jmp(kScratch);
    e_.bind(table);
    for (const uint32_t depth : depths) e_.data_label(label_of(depth));
  }
  for (size_t i = 0; i < edges_.size(); ++i) {
    e_.bind(edges_[i]);
    branch_to(edge_depths_[i]);
    TRY_VOID(check_code_size());
  }
  return check_code_size();
}

Result<void> Baseline::br_on(Op op, uint32_t depth, HeapType, bool) {
  settle_flags();
  if (op != Op::br_on_null && op != Op::br_on_non_null) return unsupported(op);
  Operand reference = pop();
  const Gpr reg = to_gpr(reference);
  e_.test(Width::w64, reg, reg);
  if (op == Op::br_on_null) {
    branch_if(test_of(Cond::e), depth);
    push_again(reference);
  } else {
    push_again(reference);
    branch_if(test_of(Cond::ne), depth);
    release(pop());
  }
  return check_code_size();
}

// --- traps and checks ------------------------------------------------------------------------------------------------

void Baseline::trap_if(Cond cond, TrapCode code) { trap_jumps_.push_back({e_.jcc_rel32(cond), position_, code}); }

void Baseline::trap_now(TrapCode code) {
  trap_site(code);
  e_.ud2();
}

void Baseline::check_interrupt() {
  if (!options_.interruptible) return;
  e_.mov(Width::w64, kScratch, kExec);
  e_.alu_imm(Alu::cmp, Width::w32, {kScratch, offsetof(ExecContext, interrupt)}, 0);
  const uint32_t at = e_.jcc_rel32(Cond::ne);
  interrupt_checks_.push_back({at, e_.offset(), position_});
}

Result<void> Baseline::check_code_size() const {
  if (e_.offset() <= code_limit_) [[likely]]
    return {};
  return std::unexpected(
      Error{.kind = ErrorKind::limit, .message = "the module's machine code would be too large", .offset = position_});
}

} // namespace runtime::baseline
