// The immediates of single instructions: the half of CodeParser that knows what follows each keyword.
#include "runtime/text/code_parser.hpp"
#include <bit>
#include <utility>

namespace runtime::text {

void emit_op(Bytes& out, Op op) {
  auto code = static_cast<uint32_t>(op);
  if (code < 0x100) {
    out.u8(static_cast<uint8_t>(code));
  } else {
    out.u8(static_cast<uint8_t>(code >> 16));
    out.uleb(code & 0xffff);
  }
}

Result<void> vector_literal(Cursor& cursor, Bytes& out) {
  struct Shape {
    std::string_view name;
    unsigned lanes;
    bool is_float;
  };
  for (Shape shape : {Shape{"i8x16", 16, false}, Shape{"i16x8", 8, false}, Shape{"i32x4", 4, false},
                      Shape{"i64x2", 2, false}, Shape{"f32x4", 4, true}, Shape{"f64x2", 2, true}}) {
    if (!cursor.accept_keyword(shape.name)) continue;
    unsigned bits = 128 / shape.lanes;
    for (unsigned i = 0; i < shape.lanes; ++i) {
      if (cursor.kind() != TokenKind::atom && cursor.kind() != TokenKind::keyword)
        return cursor.fail("wrong number of lane literals");
      out.little_endian(shape.is_float ? TRY(cursor.float_bits(bits)) : TRY(cursor.integer(bits)), bits / 8);
    }
    if (cursor.kind() == TokenKind::atom) return cursor.fail("wrong number of lane literals");
    return {};
  }
  return cursor.unexpected();
}

Result<void> CodeParser::index(Cursor& cursor, const IndexSpace& space, Bytes& out) {
  out.uleb(TRY(scope_.index(space, cursor)));
  return {};
}

Result<uint32_t> CodeParser::optional_index(Cursor& cursor, const IndexSpace& space) {
  if (!cursor.at_index()) return 0;
  return scope_.index(space, cursor);
}

Result<void> CodeParser::label(Cursor& cursor, Bytes& out) {
  if (cursor.kind() != TokenKind::id) {
    out.uleb(TRY(cursor.natural(32)));
    return {};
  }
  const Token& where = cursor.peek();
  std::string_view name = scope_.identifier(cursor);
  auto found = label_positions_.find(name);
  if (found == label_positions_.end()) return cursor.fail("unknown label " + std::string(name), where);
  out.uleb(labels_.size() - 1 - found->second);
  return {};
}

Result<void> CodeParser::lane(Cursor& cursor, Bytes& out) {
  if (!cursor.is_natural()) return cursor.unexpected();
  out.u8(static_cast<uint8_t>(TRY(cursor.natural(8))));
  return {};
}

Result<void> CodeParser::instruction(Cursor& cursor, Op op, Bytes& out) {
  const OpInfo& info = op_info(op);
  switch (info.family) {
  case OpFamily::control: return control(cursor, op, out);
  case OpFamily::variable: return variable(cursor, op, out);
  case OpFamily::table: return table(cursor, op, out);
  case OpFamily::memory: return memory(cursor, op, out);
  case OpFamily::constant: return constant(cursor, op, out);
  case OpFamily::reference: return reference(cursor, op, out);
  case OpFamily::aggregate: return aggregate(cursor, op, out);
  case OpFamily::parametric:
    if (op == Op::select) return select(cursor, out);
    [[fallthrough]];
  case OpFamily::numeric:
  case OpFamily::vector: emit_op(out, op); return {};
  case OpFamily::load:
  case OpFamily::store:
  case OpFamily::vector_memory:
  case OpFamily::atomic: emit_op(out, op); return memory_argument(cursor, info, out);
  case OpFamily::vector_memory_lane:
    emit_op(out, op);
    TRY_VOID(memory_argument(cursor, info, out));
    return lane(cursor, out);
  case OpFamily::vector_lane: emit_op(out, op); return lane(cursor, out);
  case OpFamily::vector_shuffle:
    emit_op(out, op);
    for (int i = 0; i < 16; ++i) {
      if (!cursor.is_natural()) return cursor.fail("invalid lane length");
      TRY_VOID(lane(cursor, out));
    }
    return {};
  case OpFamily::fence:
    emit_op(out, op);
    out.u8(0);
    return {};
  case OpFamily::undefined: break;
  }
  return cursor.unexpected();
}

Result<void> CodeParser::control(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  switch (op) {
  case Op::br:
  case Op::br_if:
  case Op::br_on_null:
  case Op::br_on_non_null: return label(cursor, out);
  case Op::br_table: {
    // The default's bytes follow the vector's directly, so that the order is that of the text.
    CountedBytes targets;
    do {
      TRY_VOID(label(cursor, targets.bytes));
      ++targets.count;
    } while (cursor.at_index());
    out.uleb(targets.count - 1);
    out.append(targets.bytes);
    return {};
  }
  case Op::call:
  case Op::return_call: return index(cursor, scope_.functions, out);
  case Op::call_indirect:
  case Op::return_call_indirect: {
    uint32_t table_index = TRY(optional_index(cursor, scope_.tables));
    out.uleb(types_.resolve(TRY(types_.type_use(cursor, false))));
    out.uleb(table_index);
    return {};
  }
  case Op::call_ref:
  case Op::return_call_ref: return index(cursor, scope_.types, out);
  case Op::throw_: return index(cursor, scope_.tags, out);
  case Op::br_on_cast:
  case Op::br_on_cast_fail: {
    Bytes depth;
    TRY_VOID(label(cursor, depth));
    ReferenceType from = TRY(types_.split_reference_type(cursor));
    ReferenceType to = TRY(types_.split_reference_type(cursor));
    out.u8(static_cast<uint8_t>((from.nullable ? 1 : 0) | (to.nullable ? 2 : 0)));
    out.append(depth);
    out.append(from.heap);
    out.append(to.heap);
    return {};
  }
  default: return {}; // unreachable, nop, return, throw_ref
  }
}

Result<void> CodeParser::select(Cursor& cursor, Bytes& out) {
  if (!cursor.at_form("result")) {
    emit_op(out, Op::select);
    return {};
  }
  CountedBytes types;
  while (cursor.accept_form("result")) {
    for (; cursor.kind() != TokenKind::right; ++types.count) TRY_VOID(types_.value_type(cursor, types.bytes));
    cursor.advance();
  }
  emit_op(out, Op::select_t);
  out.uleb(types.count);
  out.append(types.bytes);
  return {};
}

Result<void> CodeParser::variable(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  if (op == Op::global_get || op == Op::global_set) return index(cursor, scope_.globals, out);
  if (cursor.kind() != TokenKind::id) {
    out.uleb(TRY(cursor.natural(32)));
    return {};
  }
  const Token& where = cursor.peek();
  std::string_view name = scope_.identifier(cursor);
  auto found = locals_.find(name);
  if (found == locals_.end()) return cursor.fail("unknown local " + std::string(name), where);
  out.uleb(found->second);
  return {};
}

Result<void> CodeParser::table(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  switch (op) {
  case Op::elem_drop: return index(cursor, scope_.elements, out);
  case Op::table_init: {
    // «table.init elem» or «table.init table elem»: the table may be left out, though it comes first.
    Cursor ahead = cursor;
    ahead.advance();
    uint32_t table_index = ahead.at_index() ? TRY(scope_.index(scope_.tables, cursor)) : 0;
    TRY_VOID(index(cursor, scope_.elements, out));
    out.uleb(table_index);
    return {};
  }
  case Op::table_copy: {
    bool named = cursor.at_index();
    out.uleb(TRY(optional_index(cursor, scope_.tables)));
    out.uleb(named ? TRY(scope_.index(scope_.tables, cursor)) : 0);
    return {};
  }
  default: out.uleb(TRY(optional_index(cursor, scope_.tables))); return {};
  }
}

Result<void> CodeParser::memory(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  switch (op) {
  case Op::data_drop: names_data_ = true; return index(cursor, scope_.data, out);
  case Op::memory_init: {
    names_data_ = true;
    Cursor ahead = cursor;
    ahead.advance();
    uint32_t memory_index = ahead.at_index() ? TRY(scope_.index(scope_.memories, cursor)) : 0;
    TRY_VOID(index(cursor, scope_.data, out));
    out.uleb(memory_index);
    return {};
  }
  case Op::memory_copy: {
    bool named = cursor.at_index();
    out.uleb(TRY(optional_index(cursor, scope_.memories)));
    out.uleb(named ? TRY(scope_.index(scope_.memories, cursor)) : 0);
    return {};
  }
  default: out.uleb(TRY(optional_index(cursor, scope_.memories))); return {};
  }
}

Result<void> CodeParser::reference(Cursor& cursor, Op op, Bytes& out) {
  switch (op) {
  case Op::ref_null: emit_op(out, op); return types_.heap_type(cursor, out);
  case Op::ref_func: emit_op(out, op); return index(cursor, scope_.functions, out);
  case Op::ref_test:
  case Op::ref_cast: {
    ReferenceType type = TRY(types_.split_reference_type(cursor));
    if (type.nullable) op = op == Op::ref_test ? Op::ref_test_null : Op::ref_cast_null;
    emit_op(out, op);
    out.append(type.heap);
    return {};
  }
  default: emit_op(out, op); return {};
  }
}

Result<void> CodeParser::aggregate(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  if (op == Op::array_len) return {};
  uint32_t type = TRY(scope_.index(scope_.types, cursor));
  out.uleb(type);
  switch (op) {
  case Op::struct_get:
  case Op::struct_get_s:
  case Op::struct_get_u:
  case Op::struct_set: {
    static const IndexSpace kNoFields{.kind = "field"};
    auto fields = scope_.fields.find(type);
    return index(cursor, fields == scope_.fields.end() ? kNoFields : fields->second, out);
  }
  case Op::array_new_fixed: out.uleb(TRY(cursor.natural(32))); return {};
  case Op::array_copy: return index(cursor, scope_.types, out);
  case Op::array_new_data:
  case Op::array_init_data: names_data_ = true; return index(cursor, scope_.data, out);
  case Op::array_new_elem:
  case Op::array_init_elem: return index(cursor, scope_.elements, out);
  default: return {};
  }
}

Result<void> CodeParser::constant(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  switch (op) {
  case Op::i32_const: out.sleb(static_cast<int32_t>(TRY(cursor.integer(32)))); return {};
  case Op::i64_const: out.sleb(static_cast<int64_t>(TRY(cursor.integer(64)))); return {};
  case Op::f32_const: out.little_endian(TRY(cursor.float_bits(32)), 4); return {};
  case Op::f64_const: out.little_endian(TRY(cursor.float_bits(64)), 8); return {};
  default: return vector_literal(cursor, out);
  }
}

// «memory? offset=… align=…». With a lane index behind it, a single number is the lane.
Result<void> CodeParser::memory_argument(Cursor& cursor, const OpInfo& info, Bytes& out) {
  uint32_t memory_index = 0;
  bool is_memory = cursor.at_index();
  if (is_memory && cursor.kind() != TokenKind::id && info.family == OpFamily::vector_memory_lane)
    is_memory = cursor.kind(1) == TokenKind::atom || cursor.text(1).starts_with("offset=") ||
                cursor.text(1).starts_with("align=");
  if (is_memory) memory_index = TRY(scope_.index(scope_.memories, cursor));

  auto value = [&](std::string_view prefix, uint64_t absent) -> Result<uint64_t> {
    if (cursor.kind() != TokenKind::keyword || !cursor.text().starts_with(prefix)) return absent;
    Literal literal = parse_unsigned(cursor.text().substr(prefix.size()), 64);
    if (literal.error == LiteralError::range) return cursor.fail("offset out of range");
    if (literal.error) return cursor.unknown_operator(cursor.peek());
    cursor.advance();
    return literal.bits;
  };
  uint64_t offset = TRY(value("offset=", 0));
  const Token& align_token = cursor.peek();
  uint64_t align = TRY(value("align=", uint64_t{1} << info.natural_align_log2()));
  if (!std::has_single_bit(align)) return cursor.fail("alignment must be a power of two", align_token);

  constexpr uint32_t kHasMemory = 0x40;
  auto align_log2 = static_cast<uint32_t>(std::countr_zero(align));
  out.uleb(align_log2 | (memory_index != 0 ? kHasMemory : 0));
  if (memory_index != 0) out.uleb(memory_index);
  out.uleb(offset);
  return {};
}

} // namespace runtime::text
