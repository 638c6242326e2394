// The module decoder: sections in their order (spec §5.5), and all of module validation (§3.5) that needs no body.
//
// A malformed module is reported as malformed even where an earlier part of it is invalid, as the grammar comes before
// validation in the specification: the first validity error is kept, decoding goes on with a harmless stand-in, and the
// error is returned at the end. Only what leaves the decoder without its place or its types (an unknown type inside a
// type, an instruction that is not constant) ends at once.
#include "runtime/binary/const_expr.hpp"
#include "runtime/binary/module.hpp"
#include "runtime/binary/type_reader.hpp"
#include <algorithm>
#include <format>
#include <set>

namespace runtime {
namespace {

enum Section : uint8_t {
  kCustom = 0,
  kType = 1,
  kImport = 2,
  kFunction = 3,
  kTable = 4,
  kMemory = 5,
  kGlobal = 6,
  kExport = 7,
  kStart = 8,
  kElement = 9,
  kCode = 10,
  kData = 11,
  kDataCount = 12,
  kTag = 13,
};
// Position of each section in a module, by its id.
constexpr uint8_t kOrder[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};

constexpr uint64_t kMaxPages32 = 1u << 16, kMaxPages64 = uint64_t{1} << 48;

class ModuleDecoder {
public:
  ModuleDecoder(DecodedModule& module, TypeRegistry& types) : module_(module), types_(types) {}

  Result<void> decode() {
    Reader whole(module_.bytes, 0, "unexpected end");
    TRY_VOID(header(whole));
    uint8_t last = 0;
    while (!whole.at_end()) {
      const uint64_t at = whole.offset();
      const uint8_t id = whole.byte();
      const uint32_t size = whole.length();
      if (id > kTag) return malformed(at, "malformed section id");
      if (whole.failed()) return std::unexpected(whole.error());
      const uint64_t content_at = whole.offset();
      Reader content(whole.bytes(size), content_at, "unexpected end of section or function");
      if (id != kCustom) {
        if (kOrder[id] <= last) return malformed(at, "unexpected content after last section");
        last = kOrder[id];
        if (id > kFunction) declare_functions();
      }
      TRY_VOID(section(id, content));
      if (content.failed()) return std::unexpected(content.error());
      if (!content.at_end()) return malformed(content.offset(), "section size mismatch");
    }
    const uint64_t end = module_.bytes.size();
    if (module_.bodies.size() != module_.functions.size() - module_.imported_functions)
      return malformed(end, "function and code section have inconsistent lengths");
    if (module_.data_count && *module_.data_count != module_.data.size())
      return malformed(end, "data count and data section have inconsistent lengths");
    if (invalid_) return std::unexpected(std::move(*invalid_));
    declare_functions();
    module_.function_types.reserve(module_.functions.size());
    for (const TypeId type : module_.functions) module_.function_types.push_back(types_.func(type));
    read_names();
    return {};
  }

private:
  // --- errors -------------------------------------------------------------------------------------------------------
  static std::unexpected<Error> malformed(uint64_t at, std::string message) {
    return std::unexpected(Error{.kind = ErrorKind::malformed, .message = std::move(message), .offset = at});
  }
  static std::unexpected<Error> limit(uint64_t at, std::string message) {
    return std::unexpected(Error{.kind = ErrorKind::limit, .message = std::move(message), .offset = at});
  }
  void invalid(uint64_t at, std::string message) {
    if (!invalid_) invalid_ = Error{.kind = ErrorKind::invalid, .message = std::move(message), .offset = at};
  }
  static Result<void> failure_of(const Reader& reader) {
    if (reader.failed()) return std::unexpected(reader.error());
    return {};
  }

  static Result<void> header(Reader& reader) {
    static constexpr uint8_t kMagic[] = {0, 'a', 's', 'm'}, kVersion[] = {1, 0, 0, 0};
    const std::span<const std::byte> magic = reader.bytes(sizeof kMagic);
    TRY_VOID(failure_of(reader));
    if (!std::ranges::equal(magic, std::as_bytes(std::span(kMagic)))) return malformed(0, "magic header not detected");
    const std::span<const std::byte> version = reader.bytes(sizeof kVersion);
    TRY_VOID(failure_of(reader));
    if (!std::ranges::equal(version, std::as_bytes(std::span(kVersion)))) return malformed(4, "unknown binary version");
    return {};
  }

  Result<void> section(uint8_t id, Reader& reader) {
    switch (id) {
    case kCustom: return custom(reader);
    case kType: return read_type_section(reader, types_, module_.types);
    case kImport: return imports(reader);
    case kFunction: return functions(reader);
    case kTable: return tables(reader);
    case kMemory: return memories(reader);
    case kTag: return tags(reader);
    case kGlobal: return globals(reader);
    case kExport: return exports(reader);
    case kStart: return start(reader);
    case kElement: return elements(reader);
    case kDataCount: module_.data_count = reader.u32(); return {};
    case kCode: return code(reader);
    case kData: return data(reader);
    default: return {};
    }
  }

  // The functions are all known once the function section is passed: constant expressions and exports mark them.
  void declare_functions() { module_.declared_refs.resize(module_.functions.size()); }

  [[nodiscard]] TypeScope scope() const { return {.types = module_.types}; }

  // Reads a count of things of at least one byte each, and checks that with `present` of them the limit holds.
  static Result<uint32_t> count(Reader& reader, size_t present, uint32_t most, const char* what) {
    const uint64_t at = reader.offset();
    const uint32_t number = reader.length();
    TRY_VOID(failure_of(reader));
    if (number > most - std::min<size_t>(present, most)) return limit(at, std::format("more than {} {}", most, what));
    return number;
  }

  // --- types inside sections ----------------------------------------------------------------------------------------
  // Nothing when the index is unknown or not of a function type; that is then recorded.
  std::optional<TypeId> func_type(Reader& reader) {
    const uint64_t at = reader.offset();
    const uint32_t index = reader.u32();
    if (reader.failed()) return std::nullopt;
    if (index >= module_.types.size()) {
      invalid(at, std::format("unknown type {}", index));
      return std::nullopt;
    }
    if (types_.func(module_.types[index]) == nullptr) {
      invalid(at, std::format("type mismatch: type {} is not a function type", index));
      return std::nullopt;
    }
    return module_.types[index];
  }
  // What stands in for a type that an invalid module names wrongly is the type of no parameters and results.
  TypeId func_type_or_stand_in(Reader& reader) {
    const auto type = func_type(reader);
    return type ? *type : types_.intern(FuncType{});
  }

  Limits limits(Reader& reader, bool may_share) {
    Limits result;
    const uint64_t at = reader.offset();
    const uint8_t flags = reader.byte();
    if (flags > 7 || ((flags & 2) != 0 && !may_share)) {
      reader.fail("malformed limits flags");
      return result;
    }
    result.is_64 = (flags & 4) != 0;
    result.shared = (flags & 2) != 0;
    result.min = reader.u64();
    if ((flags & 1) != 0) {
      result.max = reader.u64();
      if (*result.max < result.min) invalid(at, "size minimum must not be greater than maximum");
    }
    return result;
  }

  MemoryType memory_type(Reader& reader) {
    const uint64_t at = reader.offset();
    const MemoryType type{limits(reader, true)};
    const uint64_t most = type.limits.is_64 ? kMaxPages64 : kMaxPages32;
    if (type.limits.min > most || type.limits.max.value_or(0) > most)
      invalid(at, type.limits.is_64 ? "memory size must be at most 2^48 pages"
                                    : "memory size must be at most 65536 pages (4GiB)");
    if (type.limits.shared && !type.limits.max) invalid(at, "shared memory must have maximum");
    return type;
  }

  TableType table_type(Reader& reader) {
    TableType type;
    type.element = read_ref_type(reader, scope());
    const uint64_t at = reader.offset();
    type.limits = limits(reader, false);
    if (!type.limits.is_64 && (type.limits.min > ~uint32_t{0} || type.limits.max.value_or(0) > ~uint32_t{0}))
      invalid(at, "table size must be at most 2^32-1");
    return type;
  }

  GlobalType global_type(Reader& reader) {
    GlobalType type;
    type.type = read_val_type(reader, scope());
    const uint8_t mutability = reader.byte();
    if (mutability > 1) reader.fail("malformed mutability");
    type.mutable_ = mutability == 1;
    return type;
  }

  TagType tag_type(Reader& reader) {
    if (reader.byte() != 0) reader.fail("malformed tag attribute");
    const uint64_t at = reader.offset();
    const TypeId type = func_type_or_stand_in(reader);
    if (!types_.func(type)->results.empty()) invalid(at, "non-empty tag result type");
    return {type};
  }

  Result<ConstExpr> const_expr(Reader& reader, ValType expected) {
    ConstExprResult result = TRY(read_const_expr(reader, expected, module_, types_));
    if (result.invalid && !invalid_) invalid_ = std::move(result.invalid);
    return std::move(result.expr);
  }

  // --- sections -----------------------------------------------------------------------------------------------------
  Result<void> custom(Reader& reader) {
    CustomSection section;
    section.name = reader.name();
    section.bytes = reader.bytes(reader.remaining());
    TRY_VOID(failure_of(reader));
    module_.customs.push_back(section);
    return {};
  }

  Result<void> imports(Reader& reader) {
    const uint32_t number = TRY(count(reader, 0, kMaxImports, "imports"));
    for (uint32_t i = 0; i < number; ++i) {
      ImportDesc import;
      import.module = reader.name();
      import.name = reader.name();
      const uint8_t kind = reader.byte();
      if (kind > static_cast<uint8_t>(ExternKind::tag)) reader.fail("malformed import kind");
      TRY_VOID(failure_of(reader));
      import.kind = static_cast<ExternKind>(kind);
      switch (import.kind) {
      case ExternKind::func:
        import.index = module_.imported_functions++;
        module_.functions.push_back(func_type_or_stand_in(reader));
        break;
      case ExternKind::table:
        import.index = module_.imported_tables++;
        module_.tables.push_back({table_type(reader), {}});
        break;
      case ExternKind::memory:
        import.index = module_.imported_memories++;
        module_.memories.push_back(memory_type(reader));
        break;
      case ExternKind::global:
        import.index = module_.imported_globals++;
        module_.globals.push_back({global_type(reader), {}});
        break;
      case ExternKind::tag:
        import.index = module_.imported_tags++;
        module_.tags.push_back(tag_type(reader));
        break;
      }
      TRY_VOID(failure_of(reader));
      module_.imports.push_back(import);
    }
    return {};
  }

  Result<void> functions(Reader& reader) {
    const uint32_t number = TRY(count(reader, module_.functions.size(), kMaxFunctions, "functions"));
    module_.functions.reserve(module_.functions.size() + number);
    for (uint32_t i = 0; i < number && !reader.failed(); ++i) {
      module_.functions.push_back(func_type_or_stand_in(reader));
    }
    return {};
  }

  Result<void> tables(Reader& reader) {
    const uint32_t number = TRY(count(reader, module_.tables.size(), kMaxTables, "tables"));
    for (uint32_t i = 0; i < number && !reader.failed(); ++i) {
      const uint64_t at = reader.offset();
      const bool has_init = reader.peek() == 0x40;
      if (has_init) {
        reader.byte();
        if (reader.byte() != 0) reader.fail("zero byte expected");
      }
      TableDesc table{table_type(reader), {}};
      TRY_VOID(failure_of(reader));
      if (has_init)
        table.init = TRY(const_expr(reader, table.type.element));
      else if (!table.type.element.is_defaultable())
        invalid(at, "type mismatch: a table of non-nullable references needs an initial value");
      module_.tables.push_back(std::move(table));
    }
    return {};
  }

  Result<void> memories(Reader& reader) {
    const uint32_t number = TRY(count(reader, module_.memories.size(), kMaxMemories, "memories"));
    for (uint32_t i = 0; i < number && !reader.failed(); ++i) module_.memories.push_back(memory_type(reader));
    return {};
  }

  Result<void> tags(Reader& reader) {
    const uint32_t number = TRY(count(reader, module_.tags.size(), kMaxTypes, "tags"));
    for (uint32_t i = 0; i < number && !reader.failed(); ++i) module_.tags.push_back(tag_type(reader));
    return {};
  }

  Result<void> globals(Reader& reader) {
    const uint32_t number = TRY(count(reader, module_.globals.size(), kMaxGlobals, "globals"));
    for (uint32_t i = 0; i < number; ++i) {
      GlobalDesc global{global_type(reader), {}};
      TRY_VOID(failure_of(reader));
      global.init = TRY(const_expr(reader, global.type.type)); // sees the globals before this one
      module_.globals.push_back(std::move(global));
    }
    return {};
  }

  [[nodiscard]] size_t index_space(ExternKind kind) const {
    switch (kind) {
    case ExternKind::func: return module_.functions.size();
    case ExternKind::table: return module_.tables.size();
    case ExternKind::memory: return module_.memories.size();
    case ExternKind::global: return module_.globals.size();
    case ExternKind::tag: return module_.tags.size();
    }
    return 0;
  }

  Result<void> exports(Reader& reader) {
    static constexpr const char* kNames[] = {"function", "table", "memory", "global", "tag"};
    const uint32_t number = TRY(count(reader, 0, kMaxExports, "exports"));
    std::set<std::string_view> seen;
    for (uint32_t i = 0; i < number; ++i) {
      const uint64_t at = reader.offset();
      ExportDesc exported;
      exported.name = reader.name();
      const uint8_t kind = reader.byte();
      if (kind > static_cast<uint8_t>(ExternKind::tag)) reader.fail("malformed export kind");
      exported.index = reader.u32();
      TRY_VOID(failure_of(reader));
      exported.kind = static_cast<ExternKind>(kind);
      if (!seen.insert(exported.name).second) invalid(at, std::format("duplicate export name \"{}\"", exported.name));
      if (exported.index >= index_space(exported.kind))
        invalid(at, std::format("unknown {} {}", kNames[kind], exported.index));
      else if (exported.kind == ExternKind::func)
        module_.declared_refs[exported.index] = true;
      module_.exports.push_back(exported);
    }
    return {};
  }

  Result<void> start(Reader& reader) {
    const uint64_t at = reader.offset();
    const uint32_t index = reader.u32();
    TRY_VOID(failure_of(reader));
    module_.start = index;
    if (index >= module_.functions.size()) {
      invalid(at, std::format("unknown function {}", index));
    } else if (!invalid_) {
      const FuncType& type = *types_.func(module_.functions[index]);
      if (!type.params.empty() || !type.results.empty())
        invalid(at, "start function must have neither parameters nor results");
    }
    return {};
  }

  Result<ConstExpr> function_item(Reader& reader) {
    const uint64_t at = reader.offset();
    const uint32_t index = reader.u32();
    TRY_VOID(failure_of(reader));
    if (index >= module_.functions.size())
      invalid(at, std::format("unknown function {}", index));
    else
      module_.declared_refs[index] = true;
    return ConstExpr{{Op::ref_func, index, 0}};
  }

  Result<void> elements(Reader& reader) {
    const uint32_t number = TRY(count(reader, 0, kMaxSegments, "element segments"));
    for (uint32_t i = 0; i < number; ++i) {
      const uint64_t at = reader.offset();
      // Bit 0: not active; bit 1: declarative, or of active ones an explicit table; bit 2: expressions, not indices.
      const uint32_t flags = reader.u32();
      if (flags > 7) reader.fail("malformed elements segment kind");
      TRY_VOID(failure_of(reader));
      const bool expressions = (flags & 4) != 0;
      ElementSegment segment;
      segment.type = expressions ? ValType::funcref() : ValType::ref(HeapType::abstract(AbstractHeap::func), false);
      if ((flags & 1) != 0) {
        segment.mode = (flags & 2) != 0 ? SegmentMode::declarative : SegmentMode::passive;
      } else {
        segment.mode = SegmentMode::active;
        segment.table = (flags & 2) != 0 ? reader.u32() : 0;
        TRY_VOID(failure_of(reader));
        const bool known = segment.table < module_.tables.size();
        if (!known) invalid(at, std::format("unknown table {}", segment.table));
        const bool is_64 = known && module_.tables[segment.table].type.limits.is_64;
        segment.offset = TRY(const_expr(reader, is_64 ? ValKind::i64 : ValKind::i32));
      }
      if ((flags & 3) != 0) {
        if (expressions)
          segment.type = read_ref_type(reader, scope());
        else if (reader.byte() != 0)
          reader.fail("malformed element kind");
      }
      TRY_VOID(failure_of(reader));
      if (segment.mode == SegmentMode::active && !invalid_ &&
          !types_.is_subtype(segment.type, module_.tables[segment.table].type.element))
        invalid(at, "type mismatch: the segment's elements do not match the table's");
      const uint32_t items = TRY(count(reader, 0, kMaxTableElements, "elements in a segment"));
      segment.items.reserve(items);
      for (uint32_t item = 0; item < items; ++item)
        segment.items.push_back(expressions ? TRY(const_expr(reader, segment.type)) : TRY(function_item(reader)));
      module_.elements.push_back(std::move(segment));
    }
    return {};
  }

  Result<void> code(Reader& reader) {
    const uint32_t number = TRY(count(reader, 0, kMaxFunctions, "functions"));
    if (number != module_.functions.size() - module_.imported_functions)
      return malformed(reader.offset(), "function and code section have inconsistent lengths");
    module_.bodies.reserve(number);
    for (uint32_t i = 0; i < number; ++i) {
      const uint32_t size = reader.u32();
      FunctionBody body;
      body.offset = static_cast<uint32_t>(reader.offset());
      body.bytes = reader.bytes(size);
      TRY_VOID(failure_of(reader));
      if (size > kMaxFunctionBytes)
        return limit(body.offset, std::format("a function body of more than {} bytes", kMaxFunctionBytes));
      module_.bodies.push_back(body);
    }
    return {};
  }

  Result<void> data(Reader& reader) {
    const uint32_t number = TRY(count(reader, 0, kMaxSegments, "data segments"));
    for (uint32_t i = 0; i < number; ++i) {
      const uint64_t at = reader.offset();
      const uint32_t flags = reader.u32();
      if (flags > 2) reader.fail("malformed data segment kind");
      DataSegment segment;
      if (flags != 1) {
        segment.mode = SegmentMode::active;
        segment.memory = flags == 2 ? reader.u32() : 0;
        TRY_VOID(failure_of(reader));
        const bool known = segment.memory < module_.memories.size();
        if (!known) invalid(at, std::format("unknown memory {}", segment.memory));
        const bool is_64 = known && module_.memories[segment.memory].limits.is_64;
        segment.offset = TRY(const_expr(reader, is_64 ? ValKind::i64 : ValKind::i32));
      }
      segment.bytes = reader.bytes(reader.u32());
      TRY_VOID(failure_of(reader));
      module_.data.push_back(std::move(segment));
    }
    return {};
  }

  // --- name section (appendix "Custom sections"); what is malformed in it is ignored from there on
  // --------------------
  void read_names() {
    for (const CustomSection& section : module_.customs) {
      if (section.name != "name") continue;
      Reader reader(section.bytes, 0, "unexpected end");
      while (!reader.at_end()) {
        const uint8_t id = reader.byte();
        Reader subsection(reader.bytes(reader.u32()), 0, "unexpected end");
        if (reader.failed()) return;
        if (id == 0) {
          const std::string_view name = subsection.name();
          if (!subsection.failed()) module_.name = name;
        } else if (id == 1) {
          const uint32_t number = subsection.length();
          for (uint32_t i = 0; i < number; ++i) {
            const uint32_t index = subsection.u32();
            const std::string_view name = subsection.name();
            if (subsection.failed()) break;
            if (index < module_.functions.size())
              module_.function_names.emplace_hint(module_.function_names.end(), index, name);
          }
        }
      }
      return;
    }
  }

  DecodedModule& module_;
  TypeRegistry& types_;
  std::optional<Error> invalid_;
};

} // namespace

Result<std::unique_ptr<DecodedModule>> decode_module(std::vector<std::byte> bytes, TypeRegistry& types) {
  if (bytes.size() > kMaxModuleBytes)
    return std::unexpected(
        Error{.kind = ErrorKind::limit, .message = std::format("a module of more than {} bytes", kMaxModuleBytes)});
  auto module = std::make_unique<DecodedModule>();
  module->bytes = std::move(bytes);
  TRY_VOID(ModuleDecoder(*module, types).decode());
  return module;
}

} // namespace runtime
