// A decoded module (spec §2.5, binary format §5.5): everything but the function bodies, which stay bytes until the
// validator walks them. All types are canonical. Index spaces hold imports first.
#pragma once
#include "runtime/types/opcodes.hpp"
#include "runtime/types/type_registry.hpp"
#include <cstddef>
#include <map>
#include <span>
#include <string_view>

namespace runtime {

// Limits of this implementation, beyond the spec's syntax; exceeding one is ErrorKind::limit.
inline constexpr uint32_t kMaxModuleBytes = 1u << 30, kMaxTypes = 1'000'000, kMaxFunctions = 1'000'000,
                          kMaxImports = 1'000'000, kMaxExports = 1'000'000, kMaxGlobals = 1'000'000,
                          kMaxTables = 100'000, kMaxMemories = 100, kMaxSegments = 1'000'000, kMaxLocals = 50'000,
                          kMaxFunctionBytes = 8'000'000, kMaxParams = 1'000, kMaxResults = 1'000,
                          kMaxStructFields = 10'000, kMaxTableElements = 10'000'000;

enum class ExternKind : uint8_t { func, table, memory, global, tag };

struct ImportDesc {
  std::string_view module, name; // views into the module's bytes, valid UTF-8
  ExternKind kind;
  uint32_t index; // in the index space of its kind
};
struct ExportDesc {
  std::string_view name;
  ExternKind kind;
  uint32_t index;
};

// One instruction of a constant expression, validated (spec §3.4.14, with the extended and GC instructions).
struct ConstOp {
  Op op;
  uint64_t immediate =
      0; // literal's bits (v128: low half); function or global index; HeapType bits; TypeId of struct.new, array.new…
  uint64_t immediate_high = 0; // v128: high half; array.new_fixed: the length
};
using ConstExpr = std::vector<ConstOp>; // without the final end

enum class SegmentMode : uint8_t { active, passive, declarative };
struct DataSegment {
  SegmentMode mode = SegmentMode::passive;
  uint32_t memory = 0;
  ConstExpr offset;
  std::span<const std::byte> bytes;
};
struct ElementSegment {
  SegmentMode mode = SegmentMode::passive;
  uint32_t table = 0;
  ConstExpr offset;
  ValType type;
  std::vector<ConstExpr> items;
};
struct FunctionBody {
  uint32_t offset = 0; // of the body's first byte (local declarations) in the module
  std::span<const std::byte> bytes;
};
struct TableDesc {
  TableType type;
  ConstExpr init; // empty: null
};
struct GlobalDesc {
  GlobalType type;
  ConstExpr init; // empty for imports
};
struct CustomSection {
  std::string_view name;
  std::span<const std::byte> bytes;
};

struct DecodedModule {
  std::vector<std::byte> bytes; // owned; everything else may point into it
  std::vector<TypeId> types;    // module type index → canonical
  std::vector<ImportDesc> imports;
  std::vector<TypeId> functions;               // imports first
  std::vector<const FuncType*> function_types; // the same, looked up; owned by the registry
  std::vector<TableDesc> tables;
  std::vector<MemoryType> memories;
  std::vector<GlobalDesc> globals;
  std::vector<TagType> tags;
  uint32_t imported_functions = 0, imported_tables = 0, imported_memories = 0, imported_globals = 0, imported_tags = 0;
  std::vector<ExportDesc> exports;
  std::optional<uint32_t> start;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  std::optional<uint32_t> data_count;
  std::vector<FunctionBody> bodies; // of functions[imported_functions + i]
  std::vector<bool> declared_refs;  // functions that ref.func may name in bodies (spec: C.refs)
  std::vector<CustomSection> customs;
  std::string_view name; // name section; a malformed name section is ignored
  std::map<uint32_t, std::string_view> function_names;
};

// Decodes and validates everything but the bodies (their sizes and count are checked). Strict: section order, sizes,
// LEB128 lengths, UTF-8, limits, const expressions, segment and export indices, duplicate exports, start type.
// Messages use the suites' wording («unexpected end», «integer representation too long», «unknown type», …).
[[nodiscard]] Result<std::unique_ptr<DecodedModule>> decode_module(std::vector<std::byte> bytes, TypeRegistry& types);

} // namespace runtime
