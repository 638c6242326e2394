// The immediates of instructions: the half of CodeParser that knows what follows a keyword. It follows the table of
// instructions, one kind of immediate after the other; where the text has another order than the binary format, or
// writes out what is left away, stands a function of its own.
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

Result<void> CodeParser::local(Cursor& cursor, Bytes& out) {
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

Result<void> CodeParser::instruction(Cursor& cursor, Op op, Bytes& out) {
  switch (op) {
  case Op::select: return select(cursor, out);
  case Op::ref_test:
  case Op::ref_cast: return cast(cursor, op, out);
  case Op::br_on_cast:
  case Op::br_on_cast_fail: return branch_on_cast(cursor, op, out);
  case Op::call_indirect:
  case Op::return_call_indirect: return call_indirect(cursor, op, out);
  case Op::table_init: return copy_of_segment(cursor, op, scope_.tables, scope_.elements, out);
  case Op::memory_init: names_data_ = true; return copy_of_segment(cursor, op, scope_.memories, scope_.data, out);
  case Op::table_copy: return copy(cursor, op, scope_.tables, out);
  case Op::memory_copy: return copy(cursor, op, scope_.memories, out);
  default: emit_op(out, op); return immediates(cursor, op_info(op), out);
  }
}

Result<void> CodeParser::immediates(Cursor& cursor, const OpInfo& info, Bytes& out) {
  for (const Immediate kind : info.immediates) {
    switch (kind) {
    case Immediate::none: return {};
    case Immediate::block_type: TRY_VOID(block_type(cursor, out)); break;
    case Immediate::label: TRY_VOID(label(cursor, out)); break;
    case Immediate::labels: TRY_VOID(labels(cursor, out)); break;
    case Immediate::function: TRY_VOID(index(cursor, scope_.functions, out)); break;
    case Immediate::type:
      structure_ = TRY(scope_.index(scope_.types, cursor));
      out.uleb(structure_);
      break;
    case Immediate::table: out.uleb(TRY(optional_index(cursor, scope_.tables))); break;
    case Immediate::memory: out.uleb(TRY(optional_index(cursor, scope_.memories))); break;
    case Immediate::global: TRY_VOID(index(cursor, scope_.globals, out)); break;
    case Immediate::local: TRY_VOID(local(cursor, out)); break;
    case Immediate::tag: TRY_VOID(index(cursor, scope_.tags, out)); break;
    case Immediate::element: TRY_VOID(index(cursor, scope_.elements, out)); break;
    case Immediate::data:
      names_data_ = true;
      TRY_VOID(index(cursor, scope_.data, out));
      break;
    case Immediate::field: TRY_VOID(field(cursor, out)); break;
    case Immediate::count: out.uleb(TRY(cursor.natural(32))); break;
    case Immediate::memarg: TRY_VOID(memory_argument(cursor, info, out)); break;
    case Immediate::lane: TRY_VOID(lane(cursor, out)); break;
    case Immediate::lanes:
      for (int i = 0; i < 16; ++i) {
        if (!cursor.is_natural()) return cursor.fail("invalid lane length");
        TRY_VOID(lane(cursor, out));
      }
      break;
    case Immediate::i32: out.sleb(static_cast<int32_t>(TRY(cursor.integer(32)))); break;
    case Immediate::i64: out.sleb(static_cast<int64_t>(TRY(cursor.integer(64)))); break;
    case Immediate::f32: out.little_endian(TRY(cursor.float_bits(32)), 4); break;
    case Immediate::f64: out.little_endian(TRY(cursor.float_bits(64)), 8); break;
    case Immediate::v128: TRY_VOID(vector_literal(cursor, out)); break;
    case Immediate::heap_type: TRY_VOID(types_.heap_type(cursor, out)); break;
    case Immediate::catches: TRY_VOID(catch_clauses(cursor, out)); break;
    case Immediate::zero: out.u8(0); break;
    case Immediate::value_types: // of select alone, and of casts: handled before
    case Immediate::cast_flags: return cursor.unexpected();
    }
  }
  return {};
}

Result<void> CodeParser::labels(Cursor& cursor, Bytes& out) {
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

Result<void> CodeParser::field(Cursor& cursor, Bytes& out) {
  static const IndexSpace kNoFields{.kind = "field"};
  auto fields = scope_.fields.find(structure_);
  return index(cursor, fields == scope_.fields.end() ? kNoFields : fields->second, out);
}

// «call_indirect table? typeuse»: the type comes first in bytes.
Result<void> CodeParser::call_indirect(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
  uint32_t table_index = TRY(optional_index(cursor, scope_.tables));
  out.uleb(types_.resolve(TRY(types_.type_use(cursor, false))));
  out.uleb(table_index);
  return {};
}

// «br_on_cast label from to»: the two nullabilities come first in bytes.
Result<void> CodeParser::branch_on_cast(Cursor& cursor, Op op, Bytes& out) {
  emit_op(out, op);
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

// ref.test and ref.cast: the nullability is in the opcode.
Result<void> CodeParser::cast(Cursor& cursor, Op op, Bytes& out) {
  ReferenceType type = TRY(types_.split_reference_type(cursor));
  if (type.nullable) op = op == Op::ref_test ? Op::ref_test_null : Op::ref_cast_null;
  emit_op(out, op);
  out.append(type.heap);
  return {};
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

// «table.init table? elem», «memory.init memory? data»: what may be left out comes first in text and last in bytes.
Result<void> CodeParser::copy_of_segment(Cursor& cursor, Op op, const IndexSpace& storages, const IndexSpace& segments,
                                         Bytes& out) {
  emit_op(out, op);
  Cursor ahead = cursor;
  ahead.advance();
  uint32_t storage = ahead.at_index() ? TRY(scope_.index(storages, cursor)) : 0;
  TRY_VOID(index(cursor, segments, out));
  out.uleb(storage);
  return {};
}

// «table.copy», «memory.copy»: both indices or none.
Result<void> CodeParser::copy(Cursor& cursor, Op op, const IndexSpace& storages, Bytes& out) {
  emit_op(out, op);
  bool named = cursor.at_index();
  for (int side = 0; side < 2; ++side) out.uleb(named ? TRY(scope_.index(storages, cursor)) : 0);
  return {};
}

// «memory? offset=… align=…». With a lane index behind it, a single number is the lane.
Result<void> CodeParser::memory_argument(Cursor& cursor, const OpInfo& info, Bytes& out) {
  uint32_t memory_index = 0;
  bool is_memory = cursor.at_index();
  if (is_memory && cursor.kind() != TokenKind::id && info.has(Immediate::lane))
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
