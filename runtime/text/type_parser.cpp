#include "runtime/text/type_parser.hpp"
#include <array>

namespace runtime::text {

namespace {

struct TypeCode {
  std::string_view text;
  uint8_t code;
};
constexpr std::array kNumberTypes{TypeCode{"i32", 0x7f}, TypeCode{"i64", 0x7e}, TypeCode{"f32", 0x7d},
                                  TypeCode{"f64", 0x7c}, TypeCode{"v128", 0x7b}};
constexpr std::array kPackedTypes{TypeCode{"i8", 0x78}, TypeCode{"i16", 0x77}};
// The same byte stands for a heap type and for the nullable reference to it.
constexpr std::array kHeapTypes{TypeCode{"func", 0x70},     TypeCode{"nofunc", 0x73}, TypeCode{"extern", 0x6f},
                                TypeCode{"noextern", 0x72}, TypeCode{"any", 0x6e},    TypeCode{"eq", 0x6d},
                                TypeCode{"i31", 0x6c},      TypeCode{"struct", 0x6b}, TypeCode{"array", 0x6a},
                                TypeCode{"none", 0x71},     TypeCode{"exn", 0x69},    TypeCode{"noexn", 0x74}};
constexpr std::array kNullableReferences{
    TypeCode{"funcref", 0x70},       TypeCode{"nullfuncref", 0x73}, TypeCode{"externref", 0x6f},
    TypeCode{"nullexternref", 0x72}, TypeCode{"anyref", 0x6e},      TypeCode{"eqref", 0x6d},
    TypeCode{"i31ref", 0x6c},        TypeCode{"structref", 0x6b},   TypeCode{"arrayref", 0x6a},
    TypeCode{"nullref", 0x71},       TypeCode{"exnref", 0x69},      TypeCode{"nullexnref", 0x74}};

template <size_t N> std::optional<uint8_t> find_code(const std::array<TypeCode, N>& table, const Cursor& cursor) {
  if (cursor.kind() != TokenKind::keyword) return std::nullopt;
  for (const TypeCode& entry : table)
    if (entry.text == cursor.text()) return entry.code;
  return std::nullopt;
}

constexpr uint8_t kRefNull = 0x63, kRef = 0x64, kFunc = 0x60, kStruct = 0x5f, kArray = 0x5e, kSub = 0x50,
                  kSubFinal = 0x4f, kRec = 0x4e;

} // namespace

std::string Signature::key() const {
  Bytes bytes;
  bytes.uleb(params.count);
  bytes.append(params.bytes);
  bytes.uleb(results.count);
  bytes.append(results.bytes);
  return std::string(bytes.text());
}

Result<void> TypeParser::heap_type(Cursor& cursor, Bytes& out) {
  if (auto code = find_code(kHeapTypes, cursor)) {
    cursor.advance();
    out.u8(*code);
    return {};
  }
  out.sleb(TRY(scope_.index(scope_.types, cursor)));
  return {};
}

bool TypeParser::at_reference_type(const Cursor& cursor) {
  return cursor.at_form("ref") || find_code(kNullableReferences, cursor).has_value();
}

Result<ReferenceType> TypeParser::split_reference_type(Cursor& cursor) {
  ReferenceType type;
  if (auto code = find_code(kNullableReferences, cursor)) {
    cursor.advance();
    type.nullable = true;
    type.heap.u8(*code);
    return type;
  }
  TRY_VOID(cursor.expect_form("ref"));
  type.nullable = cursor.accept_keyword("null");
  TRY_VOID(heap_type(cursor, type.heap));
  TRY_VOID(cursor.expect_right());
  return type;
}

Result<void> TypeParser::reference_type(Cursor& cursor, Bytes& out) {
  ReferenceType type = TRY(split_reference_type(cursor));
  // Bytes of negative LEB128 numbers: abstract heap types, whose nullable references have a short form.
  bool is_abstract = type.heap.size() == 1 && (static_cast<uint8_t>(type.heap.view()[0]) & 0x40) != 0;
  if (!type.nullable)
    out.u8(kRef);
  else if (!is_abstract)
    out.u8(kRefNull);
  out.append(type.heap);
  return {};
}

Result<void> TypeParser::value_type(Cursor& cursor, Bytes& out) {
  if (auto code = find_code(kNumberTypes, cursor)) {
    cursor.advance();
    out.u8(*code);
    return {};
  }
  return reference_type(cursor, out);
}

Result<void> TypeParser::field_type(Cursor& cursor, Bytes& out) {
  bool is_mutable = cursor.accept_form("mut");
  if (auto code = find_code(kPackedTypes, cursor)) {
    cursor.advance();
    out.u8(*code);
  } else {
    TRY_VOID(value_type(cursor, out));
  }
  if (is_mutable) TRY_VOID(cursor.expect_right());
  out.u8(is_mutable ? 1 : 0);
  return {};
}

Result<void> TypeParser::structure(Cursor& cursor, Bytes& out) {
  CountedBytes fields;
  IndexSpace names{.kind = "field"};
  while (cursor.accept_form("field")) {
    if (cursor.kind() == TokenKind::id) {
      fields.count = TRY(scope_.bind(names, cursor)) + 1;
      TRY_VOID(field_type(cursor, fields.bytes));
    } else {
      while (cursor.kind() != TokenKind::right) {
        TRY_VOID(field_type(cursor, fields.bytes));
        fields.count = ++names.count;
      }
    }
    TRY_VOID(cursor.expect_right());
  }
  if (!names.by_name.empty()) scope_.fields.emplace(static_cast<uint32_t>(defined_.size()), std::move(names));
  out.uleb(fields.count);
  out.append(fields.bytes);
  return {};
}

Result<Signature> TypeParser::signature(Cursor& cursor, bool names_allowed) {
  Signature result;
  while (cursor.accept_form("param")) {
    if (names_allowed && cursor.kind() == TokenKind::id) {
      result.param_names.emplace_back(result.params.count++, scope_.identifier(cursor));
      TRY_VOID(value_type(cursor, result.params.bytes));
    } else {
      for (; cursor.kind() != TokenKind::right; ++result.params.count)
        TRY_VOID(value_type(cursor, result.params.bytes));
    }
    TRY_VOID(cursor.expect_right());
  }
  while (cursor.accept_form("result")) {
    for (; cursor.kind() != TokenKind::right; ++result.results.count)
      TRY_VOID(value_type(cursor, result.results.bytes));
    TRY_VOID(cursor.expect_right());
  }
  return result;
}

// «(func …)», «(struct …)», «(array …)». Registers the type under the next index.
Result<void> TypeParser::composite(Cursor& cursor, Bytes& out, bool implied_by_uses) {
  Defined defined;
  if (cursor.accept_form("func")) {
    Signature type = TRY(signature(cursor, true));
    defined = {true, type.params.count, type.key()};
    out.u8(kFunc);
    out.raw(defined.key);
    if (implied_by_uses) uses_by_key_.emplace(defined.key, static_cast<uint32_t>(defined_.size()));
  } else if (cursor.accept_form("struct")) {
    out.u8(kStruct);
    TRY_VOID(structure(cursor, out));
  } else if (cursor.accept_form("array")) {
    out.u8(kArray);
    TRY_VOID(field_type(cursor, out));
  } else {
    return cursor.unexpected();
  }
  defined_.push_back(std::move(defined));
  return cursor.expect_right();
}

// What stands in «(type $id …)» behind the identifier. `alone`: the only member of its rec group.
Result<void> TypeParser::definition(Cursor& cursor, Bytes& out, bool alone) {
  if (!cursor.accept_form("sub")) return composite(cursor, out, alone);
  bool is_final = cursor.accept_keyword("final");
  CountedBytes supers;
  for (; cursor.at_index(); ++supers.count) supers.bytes.uleb(TRY(scope_.index(scope_.types, cursor)));
  if (!is_final || supers.count != 0) {
    out.u8(is_final ? kSubFinal : kSub);
    out.uleb(supers.count);
    out.append(supers.bytes);
  }
  TRY_VOID(composite(cursor, out, alone && is_final && supers.count == 0));
  return cursor.expect_right();
}

Result<void> TypeParser::type_field(Cursor& cursor) {
  cursor.accept(TokenKind::id); // bound by the first pass
  ++section_.count;
  return definition(cursor, section_.bytes, true);
}

Result<void> TypeParser::rec_field(Cursor& cursor) {
  // Whether the group has one member decides how it is read, so look first.
  uint32_t count = 0;
  Cursor ahead = cursor;
  while (ahead.accept_form("type")) {
    TRY_VOID(ahead.skip_form());
    ++count;
  }
  ++section_.count;
  if (count != 1) {
    section_.bytes.u8(kRec);
    section_.bytes.uleb(count);
  }
  while (cursor.accept_form("type")) {
    cursor.accept(TokenKind::id);
    TRY_VOID(definition(cursor, section_.bytes, count == 1));
    TRY_VOID(cursor.expect_right());
  }
  return {};
}

Result<TypeUse> TypeParser::type_use(Cursor& cursor, bool names_allowed) {
  TypeUse use;
  const Token& begin = cursor.peek();
  if (cursor.accept_form("type")) {
    use.index = TRY(scope_.index(scope_.types, cursor));
    TRY_VOID(cursor.expect_right());
  }
  use.has_signature = cursor.at_form("param") || cursor.at_form("result");
  use.signature = TRY(signature(cursor, names_allowed));
  if (use.index && use.has_signature) {
    if (*use.index >= defined_.size()) return cursor.fail("unknown type " + std::to_string(*use.index), begin);
    const Defined& type = defined_[*use.index];
    if (!type.is_function) return cursor.fail("non-function type " + std::to_string(*use.index), begin);
    // «(param)» alone says nothing and agrees with every type.
    if (!use.signature.is_empty() && type.key != use.signature.key()) return cursor.fail("inline function type", begin);
  }
  return use;
}

uint32_t TypeParser::resolve(const TypeUse& use) {
  if (use.index) return *use.index;
  std::string key = use.signature.key();
  auto [found, is_new] = uses_by_key_.emplace(key, static_cast<uint32_t>(defined_.size()));
  if (is_new) {
    ++section_.count;
    section_.bytes.u8(kFunc);
    section_.bytes.raw(key);
    defined_.push_back({true, use.signature.params.count, std::move(key)});
  }
  return found->second;
}

uint32_t TypeParser::param_count(uint32_t index) const {
  return index < defined_.size() ? defined_[index].param_count : 0;
}

} // namespace runtime::text
