// The baseline compiler: table and reference instructions (spec §4.4.6, §4.4.3).
#include "runtime/codegen/baseline/baseline.hpp"

namespace runtime::baseline {

Mem Baseline::table_element(uint32_t table, Operand& index) {
  const Gpr reg = to_gpr(index);
  e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, tables)));
  e_.mov(Width::w64, kScratch, {kScratch, static_cast<int32_t>(8 * table)});
  e_.alu(Alu::cmp, Width::w64, reg, {kScratch, offsetof(VMTable, size)});
  trap_if(Cond::ae, TrapCode::table_out_of_bounds);
  e_.mov(Width::w64, kScratch, {kScratch, offsetof(VMTable, elements)});
  return {kScratch, 0, reg, 3};
}

Result<void> Baseline::table_get(uint32_t table) {
  settle_flags();
  Operand index = pop();
  const Mem element = table_element(table, index);
  const Gpr reg = alloc_gpr();
  e_.mov(Width::w64, reg, element);
  release(index);
  push_gpr(ValKind::ref, reg);
  return check_code_size();
}

Result<void> Baseline::table_set(uint32_t table) {
  settle_flags();
  Operand value = pop(), index = pop();
  const Gpr reg = to_gpr(value);
  e_.mov(Width::w64, table_element(table, index), reg);
  release(value);
  release(index);
  return check_code_size();
}

Result<void> Baseline::table_size(uint32_t table) {
  settle_flags();
  const Gpr reg = alloc_gpr();
  e_.mov(Width::w64, reg, vmctx_field(offsetof(VMContext, tables)));
  e_.mov(Width::w64, reg, {reg, static_cast<int32_t>(8 * table)});
  e_.mov(is_64_bit_table(table) ? Width::w64 : Width::w32, reg, {reg, offsetof(VMTable, size)});
  push_gpr(is_64_bit_table(table) ? ValKind::i64 : ValKind::i32, reg);
  return check_code_size();
}

Result<void> Baseline::table_grow(uint32_t table) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, table_grow), .immediate = table, .arguments = 2});
  push_status_result(is_64_bit_table(table));
  return check_code_size();
}

Result<void> Baseline::table_fill(uint32_t table) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, table_fill), .immediate = table, .arguments = 3, .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::table_copy(uint32_t to, uint32_t from) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, table_copy),
           .immediate = uint64_t{to} << 32 | from,
           .arguments = 3,
           .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::table_init(uint32_t segment, uint32_t table) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, table_init),
           .immediate = uint64_t{segment} << 32 | table,
           .arguments = 3,
           .can_trap = true});
  return check_code_size();
}

Result<void> Baseline::elem_drop(uint32_t segment) {
  settle_flags();
  libcall({.offset = offsetof(Libcalls, elem_drop), .immediate = segment});
  return check_code_size();
}

Result<void> Baseline::ref_null(HeapType) {
  settle_flags();
  push_constant(ValKind::ref, 0);
  return {};
}

Result<void> Baseline::ref_func(uint32_t function) {
  settle_flags();
  const Gpr reg = alloc_gpr();
  e_.mov(Width::w64, reg, vmctx_field(offsetof(VMContext, functions)));
  e_.alu_imm(Alu::add, Width::w64, reg, static_cast<int32_t>(function * sizeof(FuncRef)));
  push_gpr(ValKind::ref, reg);
  return check_code_size();
}

Result<void> Baseline::reference(Op op, HeapType, bool) {
  settle_flags();
  switch (op) {
  case Op::ref_is_null: {
    Operand value = pop();
    const Gpr reg = to_gpr(value);
    e_.test(Width::w64, reg, reg);
    release(value);
    push_flags(test_of(Cond::e));
    return {};
  }
  case Op::ref_as_non_null: {
    Operand value = pop();
    const Gpr reg = to_gpr(value);
    e_.test(Width::w64, reg, reg);
    trap_if(Cond::e, TrapCode::null_reference);
    push_again(value);
    return check_code_size();
  }
  case Op::ref_eq: {
    Operand right = pop(), left = pop();
    const Gpr a = to_gpr(left), b = to_gpr(right);
    e_.alu(Alu::cmp, Width::w64, a, b);
    release(left);
    release(right);
    push_flags(test_of(Cond::e));
    return {};
  }
  default: return unsupported(op);
  }
}

Result<void> Baseline::aggregate(Op op, TypeId, uint32_t, uint32_t) { return unsupported(op); }

} // namespace runtime::baseline
