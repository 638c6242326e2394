// The baseline compiler: calls of functions and of the runtime (spec §4.4.10), in the convention of
// calling_convention.hpp.
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

// Memory first, which frees the registers that were stored; then register to register at once; then the rest, whose
// targets nothing is waiting in any more. `callee` goes to rax.
void Baseline::place_values(std::span<const Operand> values, std::span<const ValType> types, Locations locations,
                            const Operand* callee) {
  MoveResolver<Gpr> gprs;
  MoveResolver<Xmm> xmms;
  bool has_exec = false;
  const Locations start = locations;
  for (size_t i = 0; i < values.size(); ++i) {
    const Location to = locations.next(types[i]);
    const Operand& value = values[i];
    if (to.is_overflow()) {
      if (!has_exec) e_.mov(Width::w64, kScratch, kExec);
      has_exec = true;
      store_value(overflow_slot(kScratch, to.overflow_index()), value);
    } else if (to.is_gpr()) {
      if (const Gpr from = gpr_of(value); from != kNoGpr) gprs.add(to.gpr(), from);
    } else if (const Xmm from = xmm_of(value); from != kNoXmm) {
      xmms.add(to.xmm(), from);
    }
  }
  if (callee != nullptr)
    if (const Gpr from = gpr_of(*callee); from != kNoGpr) gprs.add(Gpr::rax, from);
  resolve(gprs);
  resolve(xmms);
  locations = start;
  for (size_t i = 0; i < values.size(); ++i) {
    const Location to = locations.next(types[i]);
    const Operand& value = values[i];
    if (to.is_gpr() && gpr_of(value) == kNoGpr)
      load_gpr(to.gpr(), value);
    else if (to.is_xmm() && xmm_of(value) == kNoXmm)
      load_xmm(to.xmm(), value);
  }
  if (callee != nullptr && gpr_of(*callee) == kNoGpr) load_gpr(Gpr::rax, *callee);
}

void Baseline::place_arguments(std::span<const ValType> params, Callee where, bool tail) {
  Operand callee;
  if (where == Callee::on_stack) callee = pop();
  arguments_.resize(params.size());
  for (size_t i = params.size(); i-- > 0;) arguments_[i] = pop();
  if (!tail) {
    spill_registers();
    save_volatile_pins();
  }
  place_values(arguments_, params, Locations::params(), where == Callee::on_stack ? &callee : nullptr);
  for (const Operand& value : arguments_) release(value);
  release(callee);
}

void Baseline::push_results(std::span<const ValType> results) {
  restore_volatile_pins();
  Locations locations = Locations::results();
  bool has_exec = false;
  for (const ValType type : results) {
    const Location from = locations.next(type);
    if (from.is_gpr()) {
      const Gpr reg = from.gpr();
      gprs_.take(reg);
      push_gpr(type.kind(), reg);
    } else if (from.is_xmm()) {
      const Xmm reg = from.xmm();
      xmms_.take(reg);
      push_xmm(type.kind(), reg);
    } else {
      if (!has_exec) e_.mov(Width::w64, kScratch, kExec);
      has_exec = true;
      push_slot(type.kind());
      copy_memory(type.kind(), slot(height() - 1), overflow_slot(kScratch, from.overflow_index()));
    }
  }
}

void Baseline::save_volatile_pins() {
  for (const uint32_t index : volatile_pins_) {
    const Local& local = locals_[index];
    if (local.in_xmm())
      store_xmm_to(local.type(), home(index), local.xmm());
    else
      e_.mov(Width::w64, home(index), local.gpr());
  }
}

void Baseline::restore_volatile_pins() {
  for (const uint32_t index : volatile_pins_) {
    const Local& local = locals_[index];
    if (local.in_xmm())
      load_xmm_from(local.type(), local.xmm(), home(index));
    else
      e_.mov(Width::w64, local.gpr(), home(index));
  }
}

void Baseline::leave_instance() {
  e_.mov(Width::w64, kVmctx, {Gpr::rbp, kSavedVmctx});
  e_.mov(Width::w64, kMemoryBase, kMemory0Base);
}

// Calls through the FuncRef at [ref + displacement], with the arguments in place.
void Baseline::call_func_ref(Gpr ref, int32_t displacement) {
  const auto field = [&](size_t offset) { return Mem{ref, displacement + static_cast<int32_t>(offset)}; };
  e_.mov(Width::w64, kCallerVmctx, kVmctx);
  e_.mov(Width::w64, {Gpr::rbp, kSavedVmctx}, kVmctx);
  e_.mov(Width::w64, kVmctx, field(offsetof(FuncRef, vmctx)));
  e_.mov(Width::w64, kMemoryBase, kMemory0Base);
  e_.call(field(offsetof(FuncRef, code)));
  call_site();
  leave_instance();
}

// A tail call through the FuncRef in r11. Into the own instance it is a jump. Into another one this frame has to stay,
// because it restores r14 and r15 for its caller: such calls take stack.
void Baseline::tail_call_func_ref() {
  e_.alu(Alu::cmp, Width::w64, kVmctx, {kScratch, offsetof(FuncRef, vmctx)});
  Label other;
  e_.jcc(Cond::ne, other);
  epilogue();
  e_.jmp(Mem{kScratch, offsetof(FuncRef, code)});
  e_.bind(other);
  call_func_ref(kScratch, 0);
  epilogue();
  e_.ret();
}

Result<void> Baseline::call(uint32_t function, bool tail) {
  settle_flags();
  const FuncType& type = *types_.func(module_.functions[function]);
  place_arguments(type.params, Callee::known, tail);
  if (function >= module_.imported_functions) {
    const uint32_t defined = function - module_.imported_functions;
    if (tail) epilogue();
    const uint32_t at = tail ? e_.jmp_rel32() : e_.call_rel32();
    if (!tail) call_site();
    if (defined < out_.functions.size())
      e_.patch_relative(at, out_.functions[defined].begin);
    else
      call_fixups_.push_back({at, defined});
  } else {
    e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, functions)));
    call_func_ref(kScratch, static_cast<int32_t>(function * sizeof(FuncRef)));
    if (tail) {
      epilogue();
      e_.ret();
    }
  }
  if (!tail) push_results(type.results);
  return check_code_size();
}

Result<void> Baseline::call_indirect(uint32_t table, TypeId id, bool tail) {
  settle_flags();
  const FuncType& type = *types_.func(id);
  place_arguments(type.params, Callee::on_stack, tail);
  // index in rax, zero-extended or 64 bits
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, tables)));
  e_.mov(Width::w64, kScratch, {kScratch, static_cast<int32_t>(8 * table)});
  e_.alu(Alu::cmp, Width::w64, Gpr::rax, {kScratch, offsetof(VMTable, size)});
  trap_if(Cond::ae, TrapCode::undefined_element);
  e_.mov(Width::w64, kScratch, {kScratch, offsetof(VMTable, elements)});
  e_.mov(Width::w64, kScratch, {kScratch, 0, Gpr::rax, 3});
  e_.test(Width::w64, kScratch, kScratch);
  trap_if(Cond::e, TrapCode::uninitialized_element);
  check_type(id);
  if (tail) {
    tail_call_func_ref();
  } else {
    call_func_ref(kScratch, 0);
    push_results(type.results);
  }
  return check_code_size();
}

Result<void> Baseline::call_ref(TypeId id, bool tail) {
  settle_flags();
  const FuncType& type = *types_.func(id);
  place_arguments(type.params, Callee::on_stack, tail);
  e_.test(Width::w64, Gpr::rax, Gpr::rax);
  trap_if(Cond::e, TrapCode::null_reference);
  e_.mov(Width::w64, kScratch, Gpr::rax);
  if (tail) {
    tail_call_func_ref();
  } else {
    call_func_ref(kScratch, 0);
    push_results(type.results);
  }
  return check_code_size();
}

// The function in r11 has type `id` or one below it. Arguments are in their registers and stay there.
void Baseline::check_type(TypeId id) {
  e_.alu_imm(Alu::cmp, Width::w32, {kScratch, offsetof(FuncRef, type)}, static_cast<int32_t>(id));
  if (types_.get(id).final_) return trap_if(Cond::ne, TrapCode::indirect_call_type_mismatch);
  Label same;
  e_.jcc(Cond::e, same);
  // floats and vectors, ints, r11: an even number of words, so the stack stays aligned
  constexpr int32_t kWords = 2 * kFloatParams + kIntegerParams.size() + 2;
  (void)e_.sub_imm32(Gpr::rsp, 8 * kWords);
  const auto saved = [](uint32_t i) { return Mem{Gpr::rsp, static_cast<int32_t>(16 * i)}; };
  constexpr int32_t kFirstInteger = 2 * kFloatParams;
  for (uint32_t i = 0; i < kFloatParams; ++i) e_.movups(saved(i), static_cast<Xmm>(i));
  int32_t at = kFirstInteger;
  for (const Gpr reg : kIntegerParams) e_.mov(Width::w64, {Gpr::rsp, 8 * at++}, reg);
  e_.mov(Width::w64, {Gpr::rsp, 8 * at++}, kScratch);
  e_.mov(Width::w64, Gpr::rdi, kVmctx);
  e_.mov(Width::w32, Gpr::rsi, {kScratch, offsetof(FuncRef, type)});
  e_.mov_imm(Gpr::rdx, static_cast<uint32_t>(id));
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, libcalls)));
  e_.call({kScratch, offsetof(Libcalls, is_subtype)});
  call_site();
  at = kFirstInteger;
  for (const Gpr reg : kIntegerParams) e_.mov(Width::w64, reg, {Gpr::rsp, 8 * at++});
  e_.mov(Width::w64, kScratch, {Gpr::rsp, 8 * at++});
  for (uint32_t i = 0; i < kFloatParams; ++i) e_.packed(Packed1::movups, static_cast<Xmm>(i), saved(i));
  e_.alu_imm(Alu::add, Width::w64, Gpr::rsp, 8 * kWords);
  e_.test(Width::w32, Gpr::rax, Gpr::rax);
  trap_if(Cond::e, TrapCode::indirect_call_type_mismatch);
  e_.bind(same);
}

// Runtime functions take the VMContext, an immediate, then up to three operands, which are popped. Afterwards the
// result is in rax and belongs to nobody.
void Baseline::libcall(const Libcall& call) {
  static constexpr std::array kOperands = {Gpr::rdx, Gpr::rcx, Gpr::r8};
  arguments_.resize(call.arguments);
  for (uint32_t i = call.arguments; i-- > 0;) arguments_[i] = pop();
  spill_registers();
  save_volatile_pins();
  MoveResolver<Gpr> moves;
  for (uint32_t i = 0; i < call.arguments; ++i)
    if (const Gpr from = gpr_of(arguments_[i]); from != kNoGpr) moves.add(kOperands[i], from);
  resolve(moves);
  for (uint32_t i = 0; i < call.arguments; ++i) {
    const Operand& value = arguments_[i]; // integers and references only
    if (gpr_of(value) == kNoGpr) load_gpr(kOperands[i], value);
  }
  for (const Operand& value : arguments_) release(value);
  e_.mov(Width::w64, Gpr::rdi, kVmctx);
  e_.mov_imm(Gpr::rsi, call.immediate);
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, libcalls)));
  e_.call({kScratch, static_cast<int32_t>(call.offset)});
  call_site();
  if (call.can_trap) {
    e_.test(Width::w32, Gpr::rax, Gpr::rax);
    trap_if(Cond::ne, TrapCode::from_status);
  }
  restore_volatile_pins();
}

} // namespace runtime::baseline
