// Typing of the families whose rules are long: references, casts, structures, arrays, exception clauses (spec §3.4.2 to
// §3.4.5, §3.4.11).
#include "runtime/validate/validation_state.hpp"
#include <format>

namespace runtime {
namespace {

constexpr ValType nullable(AbstractHeap heap) { return ValType::ref(HeapType::abstract(heap), true); }

} // namespace

// --- references
// -------------------------------------------------------------------------------------------------------

bool ValidationState::check_reference(Op op, ReferenceImmediates& immediates) {
  ValType operand;
  switch (op) {
  case Op::ref_is_null:
    if (!pop_ref(operand)) return false;
    immediates = {operand.heap(), operand.is_nullable()};
    return push(ValKind::i32);
  case Op::ref_as_non_null:
    if (!pop_ref(operand)) return false;
    immediates = {operand.heap(), false};
    return push(ValType::ref(operand.heap(), false));
  case Op::ref_eq: immediates.heap = HeapType::abstract(AbstractHeap::eq); return true;
  case Op::ref_i31:
  case Op::i31_get_s:
  case Op::i31_get_u: immediates.heap = HeapType::abstract(AbstractHeap::i31); return true;
  case Op::any_convert_extern:
  case Op::extern_convert_any: {
    const bool to_any = op == Op::any_convert_extern;
    if (!pop_ref(operand)) return false;
    const ValType expected = nullable(to_any ? AbstractHeap::extern_ : AbstractHeap::any);
    if (!is_subtype(operand, expected)) return mismatch(expected, operand);
    immediates = {HeapType::abstract(to_any ? AbstractHeap::any : AbstractHeap::extern_), operand.is_nullable()};
    return push(ValType::ref(immediates.heap, immediates.nullable));
  }
  case Op::ref_test:
  case Op::ref_test_null:
  case Op::ref_cast:
  case Op::ref_cast_null: {
    immediates.heap = immediates_.heap(0);
    immediates.nullable = op == Op::ref_test_null || op == Op::ref_cast_null;
    if (!pop(top_of(immediates.heap))) return false;
    const bool is_test = op == Op::ref_test || op == Op::ref_test_null;
    return push(is_test ? ValType(ValKind::i32) : ValType::ref(immediates.heap, immediates.nullable));
  }
  default: return fail("illegal opcode", ErrorKind::malformed);
  }
}

// The nullable reference to the top of a heap type's hierarchy.
ValType ValidationState::top_of(HeapType heap) const {
  for (const AbstractHeap top : {AbstractHeap::func, AbstractHeap::extern_, AbstractHeap::exn})
    if (types_.is_subtype(heap, HeapType::abstract(top))) return nullable(top);
  return nullable(AbstractHeap::any);
}

bool ValidationState::check_br_on(Op op, BranchImmediates& immediates) {
  if (op == Op::br_on_null || op == Op::br_on_non_null) {
    immediates.depth = immediates_.index(0);
    ValType operand;
    if (!pop_ref(operand)) return false;
    immediates.heap = operand.heap();
    const ValType non_null = ValType::ref(operand.heap(), false);
    std::span<const ValType> taken = label(immediates.depth);
    if (op == Op::br_on_null) {
      immediates.nullable = true;
      return pop(taken) && push(taken) && push(non_null);
    }
    if (taken.empty() || !is_subtype(non_null, taken.back()))
      return fail("type mismatch: the label does not take the reference last");
    taken = taken.first(taken.size() - 1);
    return pop(taken) && push(taken);
  }

  const uint32_t flags = immediates_.index(0);
  const bool from_nullable = (flags & 1) != 0;
  immediates = {.depth = immediates_.index(1), .heap = immediates_.heap(3), .nullable = (flags & 2) != 0};
  const HeapType from_heap = immediates_.heap(2);
  const ValType from = ValType::ref(from_heap, from_nullable), to = ValType::ref(immediates.heap, immediates.nullable);
  if (!is_subtype(to, from)) return mismatch(from, to);
  const ValType remaining = ValType::ref(from_heap, from_nullable && !immediates.nullable);
  const ValType branching = op == Op::br_on_cast ? to : remaining;
  const ValType falling = op == Op::br_on_cast ? remaining : to;
  std::span<const ValType> taken = label(immediates.depth);
  if (taken.empty() || !is_subtype(branching, taken.back()))
    return fail("type mismatch: the label does not take the reference last");
  taken = taken.first(taken.size() - 1);
  return pop(from) && pop(taken) && push(taken) && push(falling);
}

bool ValidationState::check_catches(std::vector<CatchClause>& catches) {
  const uint32_t count = reader_.length();
  catches.clear();
  std::vector<ValType> thrown;
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t kind = reader_.byte();
    if (kind > 3) reader_.fail("malformed catch clause");
    CatchClause clause{.kind = static_cast<CatchClause::Kind>(kind)};
    const bool has_tag = kind < 2, has_ref = (kind & 1) != 0;
    if (has_tag) clause.tag = reader_.u32();
    clause.depth = reader_.u32();
    if (reader_.failed()) return false;
    thrown.clear();
    if (has_tag) {
      if (clause.tag >= module_.tags.size()) return fail(std::format("unknown tag {}", clause.tag));
      const FuncType& type = *types_.func(module_.tags[clause.tag].type);
      thrown.assign(type.params.begin(), type.params.end());
    }
    if (has_ref) thrown.push_back(ValType::ref(HeapType::abstract(AbstractHeap::exn), false));
    const ControlFrame* target = nullptr;
    if (!frame_at(clause.depth, target)) return false;
    const std::span<const ValType> label = target->label();
    if (label.size() != thrown.size()) return fail("type mismatch: the label does not take what the clause gives");
    for (size_t value = 0; value < thrown.size(); ++value)
      if (!is_subtype(thrown[value], label[value])) return mismatch(label[value], thrown[value]);
    catches.push_back(clause);
  }
  return !reader_.failed();
}

// --- structures and arrays
// --------------------------------------------------------------------------------------------

bool ValidationState::array_of(TypeId id, FieldType& element) {
  const auto* array = std::get_if<ArrayType>(&types_.get(id).composite);
  if (array == nullptr) return fail("type mismatch: expected an array type");
  element = array->element;
  return true;
}

bool ValidationState::check_struct(Op op, AggregateImmediates& immediates) {
  immediates.type = module_.types[immediates_.index(0)];
  const auto* structure = std::get_if<StructType>(&types_.get(immediates.type).composite);
  if (structure == nullptr) return fail("type mismatch: expected a structure type");
  const std::vector<FieldType>& fields = structure->fields;
  const HeapType heap = HeapType::defined(immediates.type);
  if (op == Op::struct_new) {
    for (size_t i = fields.size(); i-- > 0;)
      if (!pop(fields[i].type)) return false;
    return push(ValType::ref(heap, false));
  }
  if (op == Op::struct_new_default) {
    for (const FieldType& field : fields)
      if (!field.type.is_defaultable()) return fail("type mismatch: a field has no default");
    return push(ValType::ref(heap, false));
  }
  immediates.first = immediates_.index(1);
  if (immediates.first >= fields.size()) return fail(std::format("unknown field {}", immediates.first));
  const FieldType& field = fields[immediates.first];
  if (op == Op::struct_set) {
    if (!field.mutable_) return fail("immutable field");
    return pop(field.type) && pop(ValType::ref(heap, true));
  }
  return check_packing(op == Op::struct_get, field) && pop(ValType::ref(heap, true)) && push(field.type);
}

// Packed fields are read with a sign or zero extension, others without.
bool ValidationState::check_packing(bool plain_get, const FieldType& field) {
  if (plain_get == (field.packed == Packed::none)) return true;
  return fail(plain_get ? "type mismatch: a packed field is read by get_s or get_u"
                        : "type mismatch: the field is not packed");
}

bool ValidationState::check_aggregate(Op op, AggregateImmediates& immediates) {
  if (op <= Op::struct_set) return check_struct(op, immediates);
  if (op == Op::array_len) return true;

  FieldType element;
  immediates.type = module_.types[immediates_.index(0)];
  if (!array_of(immediates.type, element)) return false;
  const ValType array = ValType::ref(HeapType::defined(immediates.type), true);
  const ValType fresh = ValType::ref(HeapType::defined(immediates.type), false);
  const auto pop_i32 = [this](uint32_t count) {
    while (count-- > 0)
      if (!pop(ValKind::i32)) return false;
    return true;
  };
  switch (op) {
  case Op::array_new: return pop_i32(1) && pop(element.type) && push(fresh);
  case Op::array_new_default:
    if (!element.type.is_defaultable()) return fail("type mismatch: the element type has no default");
    return pop_i32(1) && push(fresh);
  case Op::array_new_fixed:
    immediates.first = immediates_.index(1);
    if (immediates.first > kMaxArrayNewFixed)
      return fail(std::format("array.new_fixed of more than {} elements", kMaxArrayNewFixed), ErrorKind::limit);
    for (uint32_t i = 0; i < immediates.first; ++i)
      if (!pop(element.type)) return false;
    return push(fresh);
  case Op::array_new_data:
  case Op::array_init_data:
    immediates.first = immediates_.index(1);
    if (element.type.is_ref()) return fail("type mismatch: array type is not numeric or vector");
    break;
  case Op::array_new_elem:
  case Op::array_init_elem:
    immediates.first = immediates_.index(1);
    if (!is_subtype(module_.elements[immediates.first].type, element.type))
      return mismatch(element.type, module_.elements[immediates.first].type);
    break;
  case Op::array_get:
  case Op::array_get_s:
  case Op::array_get_u:
    return check_packing(op == Op::array_get, element) && pop_i32(1) && pop(array) && push(element.type);
  case Op::array_set:
  case Op::array_fill:
  case Op::array_copy: break;
  default: return fail("illegal opcode", ErrorKind::malformed);
  }
  if (op == Op::array_new_data || op == Op::array_new_elem) return pop_i32(2) && push(fresh);
  FieldType source;
  TypeId source_type{};
  if (op == Op::array_copy) {
    source_type = module_.types[immediates_.index(1)];
    if (!array_of(source_type, source)) return false;
  }
  if (!element.mutable_) return fail("immutable array");
  switch (op) {
  case Op::array_set: return pop(element.type) && pop_i32(1) && pop(array);
  case Op::array_fill: return pop_i32(1) && pop(element.type) && pop_i32(1) && pop(array);
  case Op::array_copy:
    if (source.packed != element.packed || !is_subtype(source.type, element.type))
      return fail("array types do not match");
    immediates.first = static_cast<uint32_t>(source_type);
    return pop_i32(2) && pop(ValType::ref(HeapType::defined(source_type), true)) && pop_i32(1) && pop(array);
  default: return pop_i32(3) && pop(array); // array.init_data, array.init_elem
  }
}

} // namespace runtime
