// Two passes over the fields. The first gives every identifier its index and notes where fields begin; then types are
// read, since everything refers to them; the second writes all other fields into their sections in the order of the
// text, which is the order of the indices.
#include "runtime/text/module_parser.hpp"
#include "runtime/binary/module.hpp"
#include "runtime/text/code_parser.hpp"
#include "runtime/text/module_sections.hpp"
#include <algorithm>
#include <array>

namespace runtime::text {

namespace {

enum class FieldKind : uint8_t {
  type,
  rec,
  import,
  function,
  table,
  memory,
  global,
  tag,
  element,
  data,
  start,
  export_
};
struct FieldName {
  std::string_view keyword;
  FieldKind kind;
};
constexpr std::array kFieldNames{FieldName{"type", FieldKind::type},     FieldName{"rec", FieldKind::rec},
                                 FieldName{"import", FieldKind::import}, FieldName{"func", FieldKind::function},
                                 FieldName{"table", FieldKind::table},   FieldName{"memory", FieldKind::memory},
                                 FieldName{"global", FieldKind::global}, FieldName{"tag", FieldKind::tag},
                                 FieldName{"elem", FieldKind::element},  FieldName{"data", FieldKind::data},
                                 FieldName{"start", FieldKind::start},   FieldName{"export", FieldKind::export_}};

struct Field {
  FieldKind kind;
  size_t position; // behind the keyword
};

constexpr uint8_t kEnd = 0x0b, kRefFunc = 0xd2, kI32Const = 0x41, kI64Const = 0x42;

class ModuleParser {
public:
  explicit ModuleParser(Cursor& cursor) : cursor_(cursor) {}

  Result<std::vector<std::byte>> run(std::string_view name) {
    TRY_VOID(collect());
    size_t end = cursor_.position();
    for (const Field& field : fields_) {
      if (field.kind != FieldKind::type && field.kind != FieldKind::rec) continue;
      cursor_.seek(field.position);
      TRY_VOID(field.kind == FieldKind::type ? types_.type_field(cursor_) : types_.rec_field(cursor_));
      TRY_VOID(cursor_.expect_right());
    }
    for (const Field& field : fields_) {
      cursor_.seek(field.position);
      switch (field.kind) {
      case FieldKind::type:
      case FieldKind::rec: continue;
      case FieldKind::import: TRY_VOID(import_field()); break;
      case FieldKind::function: TRY_VOID(function_field()); break;
      case FieldKind::table: TRY_VOID(table_field()); break;
      case FieldKind::memory: TRY_VOID(memory_field()); break;
      case FieldKind::global: TRY_VOID(global_field()); break;
      case FieldKind::tag: TRY_VOID(tag_field()); break;
      case FieldKind::element: TRY_VOID(element_field()); break;
      case FieldKind::data: TRY_VOID(data_field()); break;
      case FieldKind::start: TRY_VOID(start_field()); break;
      case FieldKind::export_: TRY_VOID(export_field()); break;
      }
      TRY_VOID(cursor_.expect_right());
    }
    cursor_.seek(end);
    sections_.count_data = code_.names_data();
    return sections_.assemble(types_.section(), name, scope_.functions.names);
  }

private:
  // --- first pass
  Result<void> collect() {
    while (cursor_.accept(TokenKind::left)) {
      if (cursor_.kind() != TokenKind::keyword) return cursor_.unexpected();
      auto found = std::ranges::find(kFieldNames, cursor_.text(), &FieldName::keyword);
      if (found == kFieldNames.end()) return cursor_.unexpected();
      const Token& keyword = cursor_.next();
      fields_.push_back({found->kind, cursor_.position()});
      TRY_VOID(bind(found->kind, keyword));
      TRY_VOID(cursor_.skip_form());
    }
    if (cursor_.kind() != TokenKind::right && cursor_.kind() != TokenKind::end) return cursor_.unexpected();
    return {};
  }

  Result<void> bind(FieldKind kind, const Token& keyword) {
    switch (kind) {
    case FieldKind::type: TRY_VOID(scope_.bind(scope_.types, cursor_)); return {};
    case FieldKind::rec: {
      Cursor inner = cursor_;
      while (inner.accept_form("type")) {
        TRY_VOID(scope_.bind(scope_.types, inner));
        TRY_VOID(inner.skip_form());
      }
      return {};
    }
    case FieldKind::import: {
      Cursor inner = cursor_;
      TRY_VOID(inner.name());
      TRY_VOID(inner.name());
      if (!inner.accept(TokenKind::left)) return inner.unexpected();
      auto described = std::ranges::find(kFieldNames, inner.text(), &FieldName::keyword);
      if (described == kFieldNames.end() || space(described->kind) == nullptr) return inner.unexpected();
      inner.advance();
      TRY_VOID(note_import(keyword));
      TRY_VOID(scope_.bind(*space(described->kind), inner));
      return {};
    }
    case FieldKind::element: TRY_VOID(scope_.bind(scope_.elements, cursor_)); return {};
    case FieldKind::data: TRY_VOID(scope_.bind(scope_.data, cursor_)); return {};
    case FieldKind::start:
      if (has_start_) return cursor_.fail("multiple start sections", keyword);
      has_start_ = true;
      return {};
    case FieldKind::export_: return {};
    default: break;
    }
    Cursor inner = cursor_;
    TRY_VOID(scope_.bind(*space(kind), inner));
    while (inner.accept_form("export")) TRY_VOID(inner.skip_form());
    if (inner.at_form("import")) return note_import(keyword);
    defined_ = defined_ ? defined_ : kind;
    // «(table funcref (elem …))» and «(memory (data …))» make a segment each.
    if (inner.at_keyword("i32") || inner.at_keyword("i64")) inner.advance();
    if (kind == FieldKind::table && !inner.is_natural()) ++scope_.elements.count;
    if (kind == FieldKind::memory && inner.at_form("data")) ++scope_.data.count;
    return {};
  }

  Result<void> note_import(const Token& keyword) {
    if (!defined_) return {};
    const char* what = *defined_ == FieldKind::function ? "function"
                       : *defined_ == FieldKind::table  ? "table"
                       : *defined_ == FieldKind::memory ? "memory"
                       : *defined_ == FieldKind::tag    ? "tag"
                                                        : "global";
    return cursor_.fail(std::string("import after ") + what, keyword);
  }

  // Index space of what can be imported; null for other fields.
  IndexSpace* space(FieldKind kind) {
    switch (kind) {
    case FieldKind::function: return &scope_.functions;
    case FieldKind::table: return &scope_.tables;
    case FieldKind::memory: return &scope_.memories;
    case FieldKind::global: return &scope_.globals;
    case FieldKind::tag: return &scope_.tags;
    default: return nullptr;
    }
  }

  // --- second pass: what fields have in common
  static ExternKind extern_kind(FieldKind kind) {
    switch (kind) {
    case FieldKind::table: return ExternKind::table;
    case FieldKind::memory: return ExternKind::memory;
    case FieldKind::global: return ExternKind::global;
    case FieldKind::tag: return ExternKind::tag;
    default: return ExternKind::func;
    }
  }

  // «$id? (export "e")* (import "m" "n")?»; true when imported, the import's names then are in the import section.
  Result<bool> definition_header(FieldKind kind, uint32_t index) {
    cursor_.accept(TokenKind::id);
    while (cursor_.accept_form("export")) {
      sections_.exports.bytes.name(TRY(cursor_.name()));
      sections_.exports.bytes.u8(static_cast<uint8_t>(extern_kind(kind)));
      sections_.exports.bytes.uleb(index);
      ++sections_.exports.count;
      TRY_VOID(cursor_.expect_right());
    }
    if (!cursor_.accept_form("import")) return false;
    TRY_VOID(import_names());
    TRY_VOID(cursor_.expect_right());
    return true;
  }

  Result<void> import_names() {
    sections_.imports.bytes.name(TRY(cursor_.name()));
    sections_.imports.bytes.name(TRY(cursor_.name()));
    return {};
  }

  // What is imported, behind its names.
  Result<void> import_description(FieldKind kind) {
    Bytes& out = sections_.imports.bytes;
    ++sections_.imports.count;
    out.u8(static_cast<uint8_t>(extern_kind(kind)));
    switch (kind) {
    case FieldKind::table: {
      bool is_64 = address_type();
      return table_type(out, is_64);
    }
    case FieldKind::memory: return limits(out, address_type());
    case FieldKind::global: return global_type(out);
    case FieldKind::tag: out.u8(0); [[fallthrough]];
    default: out.uleb(types_.resolve(TRY(types_.type_use(cursor_, true)))); return {};
    }
  }

  bool address_type() {
    if (cursor_.accept_keyword("i64")) return true;
    cursor_.accept_keyword("i32");
    return false;
  }

  Result<void> limits(Bytes& out, bool is_64) {
    constexpr uint8_t kHasMax = 1, kShared = 2, k64 = 4;
    uint64_t min = TRY(cursor_.natural(64));
    std::optional<uint64_t> max;
    if (cursor_.is_natural()) max = TRY(cursor_.natural(64));
    bool shared = cursor_.accept_keyword("shared");
    out.u8(static_cast<uint8_t>((max ? kHasMax : 0) | (shared ? kShared : 0) | (is_64 ? k64 : 0)));
    out.uleb(min);
    if (max) out.uleb(*max);
    return {};
  }

  Result<void> table_type(Bytes& out, bool is_64) {
    Bytes bounds;
    TRY_VOID(limits(bounds, is_64));
    TRY_VOID(types_.reference_type(cursor_, out));
    out.append(bounds);
    return {};
  }

  Result<void> global_type(Bytes& out) {
    bool is_mutable = cursor_.accept_form("mut");
    TRY_VOID(types_.value_type(cursor_, out));
    if (is_mutable) TRY_VOID(cursor_.expect_right());
    out.u8(is_mutable ? 1 : 0);
    return {};
  }

  Result<void> constant_expression(Bytes& out) {
    TRY_VOID(code_.sequence(cursor_, out));
    out.u8(kEnd);
    return {};
  }

  // «(offset …)», or one folded instruction instead.
  Result<void> offset_expression(Bytes& out) {
    if (!cursor_.accept_form("offset")) {
      TRY_VOID(code_.folded(cursor_, out));
      out.u8(kEnd);
      return {};
    }
    TRY_VOID(constant_expression(out));
    return cursor_.expect_right();
  }

  static void zero_offset(Bytes& out, bool is_64) {
    out.u8(is_64 ? kI64Const : kI32Const);
    out.u8(0);
    out.u8(kEnd);
  }

  // --- fields
  Result<void> import_field() {
    TRY_VOID(import_names());
    if (!cursor_.accept(TokenKind::left)) return cursor_.unexpected();
    FieldKind kind = std::ranges::find(kFieldNames, cursor_.text(), &FieldName::keyword)->kind; // collect() saw it
    cursor_.advance();
    cursor_.accept(TokenKind::id);
    ++next_[static_cast<size_t>(extern_kind(kind))];
    TRY_VOID(import_description(kind));
    return cursor_.expect_right();
  }

  uint32_t next_index(FieldKind kind) { return next_[static_cast<size_t>(extern_kind(kind))]++; }

  Result<void> function_field() {
    uint32_t index = next_index(FieldKind::function);
    if (TRY(definition_header(FieldKind::function, index))) return import_description(FieldKind::function);
    const Token& where = cursor_.peek();
    TypeUse use = TRY(types_.type_use(cursor_, true));
    uint32_t type = types_.resolve(use);
    sections_.functions.bytes.uleb(type);
    ++sections_.functions.count;

    code_.begin_function();
    std::vector<std::pair<uint32_t, std::string_view>> names = std::move(use.signature.param_names);
    for (auto [local, name] : names) TRY_VOID(code_.name_local(cursor_, name, local, where));
    uint32_t local = types_.param_count(type);
    Bytes body;
    TRY_VOID(locals(body, local, names));
    TRY_VOID(code_.sequence(cursor_, body));
    body.u8(kEnd);
    sections_.bodies.bytes.sized(body);
    ++sections_.bodies.count;
    if (!names.empty()) {
      sections_.local_names.bytes.uleb(index);
      append_name_map(sections_.local_names.bytes, names);
      ++sections_.local_names.count;
    }
    return {};
  }

  // «(local …)*» as runs of equal types.
  Result<void> locals(Bytes& out, uint32_t next, std::vector<std::pair<uint32_t, std::string_view>>& names) {
    CountedBytes runs;
    Bytes run_type;
    uint32_t run_length = 0;
    auto flush = [&] {
      if (run_length == 0) return;
      runs.bytes.uleb(run_length);
      runs.bytes.append(run_type);
      ++runs.count;
    };
    auto local = [&]() -> Result<void> {
      Bytes type;
      TRY_VOID(types_.value_type(cursor_, type));
      if (run_length == 0 || type.text() != run_type.text()) {
        flush();
        run_type = std::move(type);
        run_length = 0;
      }
      ++run_length;
      ++next;
      return {};
    };
    while (cursor_.accept_form("local")) {
      if (cursor_.kind() == TokenKind::id) {
        const Token& where = cursor_.peek();
        std::string_view name = scope_.identifier(cursor_);
        TRY_VOID(code_.name_local(cursor_, name, next, where));
        names.emplace_back(next, name);
        TRY_VOID(local());
      } else {
        while (cursor_.kind() != TokenKind::right) TRY_VOID(local());
      }
      TRY_VOID(cursor_.expect_right());
    }
    flush();
    out.uleb(runs.count);
    out.append(runs.bytes);
    return {};
  }

  Result<void> table_field() {
    uint32_t index = next_index(FieldKind::table);
    if (TRY(definition_header(FieldKind::table, index))) return import_description(FieldKind::table);
    ++sections_.tables.count;
    bool is_64 = address_type();
    if (!cursor_.is_natural()) return table_with_elements(index, is_64);
    Bytes type;
    TRY_VOID(table_type(type, is_64));
    if (cursor_.kind() == TokenKind::right) {
      sections_.tables.bytes.append(type);
      return {};
    }
    constexpr uint8_t kWithInit = 0x40;
    sections_.tables.bytes.u8(kWithInit);
    sections_.tables.bytes.u8(0);
    sections_.tables.bytes.append(type);
    return constant_expression(sections_.tables.bytes);
  }

  Result<void> table_with_elements(uint32_t index, bool is_64) {
    Bytes type;
    TRY_VOID(types_.reference_type(cursor_, type));
    TRY_VOID(cursor_.expect_form("elem"));
    bool is_funcref = type.size() == 1 && type.view()[0] == std::byte{kFuncRef};
    bool by_index = cursor_.at_index() || cursor_.kind() == TokenKind::right;
    CountedBytes items = by_index ? TRY(function_indices(!is_funcref)) : TRY(element_expressions());
    TRY_VOID(cursor_.expect_right());

    sections_.tables.bytes.append(type);
    sections_.tables.bytes.u8(is_64 ? 5 : 1); // minimum and maximum
    sections_.tables.bytes.uleb(items.count);
    sections_.tables.bytes.uleb(items.count);

    Bytes offset;
    zero_offset(offset, is_64);
    sections_.add_element_segment(SegmentMode::active, index, offset, by_index && is_funcref, type, items);
    return {};
  }

  Result<void> memory_field() {
    uint32_t index = next_index(FieldKind::memory);
    if (TRY(definition_header(FieldKind::memory, index))) return import_description(FieldKind::memory);
    ++sections_.memories.count;
    bool is_64 = address_type();
    if (!cursor_.accept_form("data")) return limits(sections_.memories.bytes, is_64);
    std::string bytes = TRY(cursor_.all_strings());
    TRY_VOID(cursor_.expect_right());
    uint64_t pages = (bytes.size() + kWasmPageBytes - 1) / kWasmPageBytes;
    sections_.memories.bytes.u8(is_64 ? 5 : 1);
    sections_.memories.bytes.uleb(pages);
    sections_.memories.bytes.uleb(pages);
    Bytes offset;
    zero_offset(offset, is_64);
    sections_.add_data_segment(SegmentMode::active, index, offset, bytes);
    return {};
  }

  Result<void> global_field() {
    uint32_t index = next_index(FieldKind::global);
    if (TRY(definition_header(FieldKind::global, index))) return import_description(FieldKind::global);
    ++sections_.globals.count;
    TRY_VOID(global_type(sections_.globals.bytes));
    return constant_expression(sections_.globals.bytes);
  }

  Result<void> tag_field() {
    uint32_t index = next_index(FieldKind::tag);
    if (TRY(definition_header(FieldKind::tag, index))) return import_description(FieldKind::tag);
    ++sections_.tags.count;
    sections_.tags.bytes.u8(0);
    sections_.tags.bytes.uleb(types_.resolve(TRY(types_.type_use(cursor_, true))));
    return {};
  }

  Result<void> start_field() {
    sections_.start = TRY(scope_.index(scope_.functions, cursor_));
    return {};
  }

  Result<void> export_field() {
    sections_.exports.bytes.name(TRY(cursor_.name()));
    ++sections_.exports.count;
    if (!cursor_.accept(TokenKind::left)) return cursor_.unexpected();
    auto described = std::ranges::find(kFieldNames, cursor_.text(), &FieldName::keyword);
    if (described == kFieldNames.end() || space(described->kind) == nullptr) return cursor_.unexpected();
    cursor_.advance();
    sections_.exports.bytes.u8(static_cast<uint8_t>(extern_kind(described->kind)));
    sections_.exports.bytes.uleb(TRY(scope_.index(*space(described->kind), cursor_)));
    return cursor_.expect_right();
  }

  // «x*» as indices, or as «ref.func x» expressions where the segment's type is not plain funcref.
  Result<CountedBytes> function_indices(bool as_expressions) {
    CountedBytes items;
    for (; cursor_.at_index(); ++items.count) {
      if (as_expressions) items.bytes.u8(kRefFunc);
      items.bytes.uleb(TRY(scope_.index(scope_.functions, cursor_)));
      if (as_expressions) items.bytes.u8(kEnd);
    }
    return items;
  }

  // «(item e)» or one folded instruction each.
  Result<CountedBytes> element_expressions() {
    CountedBytes items;
    for (; cursor_.kind() == TokenKind::left; ++items.count) {
      if (cursor_.accept_form("item")) {
        TRY_VOID(constant_expression(items.bytes));
        TRY_VOID(cursor_.expect_right());
      } else {
        TRY_VOID(code_.folded(cursor_, items.bytes));
        items.bytes.u8(kEnd);
      }
    }
    return items;
  }

  Result<void> element_field() {
    cursor_.accept(TokenKind::id);
    SegmentMode mode = SegmentMode::passive;
    uint32_t table = 0;
    Bytes offset;
    if (cursor_.accept_keyword("declare")) {
      mode = SegmentMode::declarative;
    } else {
      bool names_table = cursor_.accept_form("table");
      if (names_table) {
        table = TRY(scope_.index(scope_.tables, cursor_));
        TRY_VOID(cursor_.expect_right());
      }
      if (names_table || (cursor_.kind() == TokenKind::left && !cursor_.at_form("ref"))) {
        mode = SegmentMode::active;
        if (cursor_.kind() != TokenKind::left) return cursor_.unexpected();
        TRY_VOID(offset_expression(offset));
      }
    }
    Bytes type;
    if (TypeParser::at_reference_type(cursor_)) {
      TRY_VOID(types_.reference_type(cursor_, type));
      CountedBytes items = TRY(element_expressions());
      sections_.add_element_segment(mode, table, offset, false, type, items);
      return {};
    }
    // Before a list of functions, «func» may be left out of active segments only.
    if (!cursor_.accept_keyword("func") && mode != SegmentMode::active) return cursor_.unexpected();
    CountedBytes items = TRY(function_indices(false));
    sections_.add_element_segment(mode, table, offset, true, type, items);
    return {};
  }

  Result<void> data_field() {
    cursor_.accept(TokenKind::id);
    uint32_t memory = 0;
    SegmentMode mode = SegmentMode::passive;
    Bytes offset;
    bool names_memory = cursor_.accept_form("memory");
    if (names_memory) {
      memory = TRY(scope_.index(scope_.memories, cursor_));
      TRY_VOID(cursor_.expect_right());
    }
    if (names_memory || cursor_.kind() == TokenKind::left) {
      mode = SegmentMode::active;
      if (cursor_.kind() != TokenKind::left) return cursor_.unexpected();
      TRY_VOID(offset_expression(offset));
    }
    sections_.add_data_segment(mode, memory, offset, TRY(cursor_.all_strings()));
    return {};
  }

  Cursor& cursor_;
  Scope scope_;
  TypeParser types_{scope_};
  CodeParser code_{scope_, types_};
  std::vector<Field> fields_;
  std::optional<FieldKind> defined_; // the first definition that is no import
  std::array<uint32_t, 5> next_{};   // of each ExternKind, in the second pass
  bool has_start_ = false;
  ModuleSections sections_;
};

} // namespace

Result<std::vector<std::byte>> parse_module_fields(Cursor& cursor, std::string_view name) {
  return ModuleParser(cursor).run(name);
}

} // namespace runtime::text
