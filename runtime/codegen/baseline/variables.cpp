// The baseline compiler: constants, locals, globals, drop and select (spec §4.4.4, §4.4.5).
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

Result<void> Baseline::drop() {
  release(pop());
  return {};
}

Result<void> Baseline::select(ValType type) {
  Operand condition = pop();
  Test test = test_of(Cond::ne);
  if (condition.is_flags()) {
    test = condition.test();
  } else {
    const Gpr reg = to_gpr(condition);
    e_.test(Width::w32, reg, reg);
    release(condition);
  }
  // From here to the use of the flags only moves are emitted.
  Operand if_false = pop(), if_true = pop();
  if (in_xmm(type.kind()) || !is_cond(test)) {
    Label keep;
    if (in_xmm(type.kind())) {
      const Xmm other = to_xmm(if_false), reg = to_own_xmm(if_true);
      jump_if(test, keep);
      e_.movaps(reg, other);
      e_.bind(keep);
      release(if_false);
      push_xmm(type.kind(), reg);
    } else {
      const Gpr other = to_gpr(if_false), reg = to_own_gpr(if_true);
      jump_if(test, keep);
      e_.mov(Width::w64, reg, other);
      e_.bind(keep);
      release(if_false);
      push_gpr(type.kind(), reg);
    }
    return check_code_size();
  }
  const Cond otherwise = cond_of(negate(test));
  const Gpr reg = to_own_gpr(if_true);
  if (in_memory(if_false))
    e_.cmov(otherwise, if_true.width(), reg, memory_of(if_false));
  else
    e_.cmov(otherwise, Width::w64, reg, to_gpr(if_false));
  release(if_false);
  push_gpr(type.kind(), reg);
  return check_code_size();
}

Result<void> Baseline::constant(ValType type, uint64_t low, uint64_t high) {
  settle_flags();
  if (type.kind() == ValKind::v128) return vector_constant({low, high});
  push_constant(type.kind(), low);
  return {};
}

Result<void> Baseline::local_get(uint32_t index) {
  settle_flags();
  push_local(index);
  return {};
}

Result<void> Baseline::local_set(uint32_t index) {
  settle_flags();
  Operand value = pop();
  if (value.is_local(index)) return {};
  unshare_local(index);
  const Local& local = locals_[index];
  if (!local.is_pinned())
    store_value(home(index), value);
  else if (value.in_xmm())
    load_xmm(local.xmm(), value);
  else
    load_gpr(local.gpr(), value);
  release(value);
  return check_code_size();
}

Result<void> Baseline::local_tee(uint32_t index) {
  settle_flags();
  Operand value = pop();
  if (value.is_local(index)) {
    push_local(index);
    return {};
  }
  unshare_local(index);
  const Local& local = locals_[index];
  if (local.is_pinned()) {
    if (value.in_xmm())
      load_xmm(local.xmm(), value);
    else
      load_gpr(local.gpr(), value);
    release(value);
    push_local(index);
    return check_code_size();
  }
  store_value(home(index), value);
  if (value.is_slot())
    push_local(index);
  else
    push_again(value); // still where it was: in a register, a constant, or another local
  return check_code_size();
}

Result<void> Baseline::global_get(uint32_t index) {
  settle_flags();
  const ValType type = module_.globals[index].type.type;
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, globals)));
  e_.mov(Width::w64, kScratch, {kScratch, static_cast<int32_t>(8 * index)});
  if (in_xmm(type.kind())) {
    const Xmm reg = alloc_xmm();
    load_xmm_from(type.kind(), reg, Mem{kScratch});
    push_xmm(type.kind(), reg);
  } else {
    const Gpr reg = alloc_gpr();
    e_.mov(type.kind() == ValKind::i32 ? Width::w32 : Width::w64, reg, Mem{kScratch});
    push_gpr(type.kind(), reg);
  }
  return check_code_size();
}

Result<void> Baseline::global_set(uint32_t index) {
  settle_flags();
  const Operand value = pop();
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, globals)));
  e_.mov(Width::w64, kScratch, {kScratch, static_cast<int32_t>(8 * index)});
  store_value({kScratch, 0}, value);
  release(value);
  return check_code_size();
}

} // namespace runtime::baseline
