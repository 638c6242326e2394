// Value, heap and defined types of the binary format (spec §5.3, §5.5.4).
#include "runtime/binary/type_reader.hpp"
#include "runtime/binary/module.hpp"
#include <algorithm>
#include <format>

namespace runtime {
namespace {

std::optional<AbstractHeap> abstract_heap(uint8_t code) {
  switch (code) {
  case 0x74: return AbstractHeap::noexn;
  case 0x73: return AbstractHeap::nofunc;
  case 0x72: return AbstractHeap::noextern;
  case 0x71: return AbstractHeap::none;
  case 0x70: return AbstractHeap::func;
  case 0x6f: return AbstractHeap::extern_;
  case 0x6e: return AbstractHeap::any;
  case 0x6d: return AbstractHeap::eq;
  case 0x6c: return AbstractHeap::i31;
  case 0x6b: return AbstractHeap::struct_;
  case 0x6a: return AbstractHeap::array;
  case 0x69: return AbstractHeap::exn;
  default: return std::nullopt;
  }
}

HeapType resolve_index(Reader& reader, uint64_t index, const TypeScope& scope) {
  if (index < scope.types.size()) return HeapType::defined(scope.types[index]);
  if (index - scope.types.size() < scope.group_size)
    return HeapType::in_group(static_cast<uint32_t>(index - scope.types.size()));
  reader.fail("unknown type", ErrorKind::invalid);
  return HeapType::abstract(AbstractHeap::func);
}

FieldType read_field(Reader& reader, const TypeScope& scope) {
  FieldType field;
  if (const uint8_t code = reader.peek(); code == 0x78 || code == 0x77) {
    reader.byte();
    field.packed = code == 0x78 ? Packed::i8 : Packed::i16;
    field.type = ValKind::i32;
  } else {
    field.type = read_val_type(reader, scope);
  }
  const uint8_t mutability = reader.byte();
  if (mutability > 1) reader.fail("malformed mutability");
  field.mutable_ = mutability == 1;
  return field;
}

std::vector<ValType> read_types(Reader& reader, const TypeScope& scope, uint32_t most) {
  const uint32_t count = reader.length();
  if (count > most) reader.fail("too many parameters or results", ErrorKind::limit);
  std::vector<ValType> types;
  for (uint32_t i = 0; i < count && !reader.failed(); ++i) types.push_back(read_val_type(reader, scope));
  return types;
}

void read_composite(Reader& reader, const TypeScope& scope, uint8_t form, SubType& type) {
  switch (form) {
  case 0x60: {
    FuncType function;
    function.params = read_types(reader, scope, kMaxParams);
    function.results = read_types(reader, scope, kMaxResults);
    type.composite = std::move(function);
    return;
  }
  case 0x5f: {
    StructType structure;
    const uint32_t count = reader.length();
    if (count > kMaxStructFields) reader.fail("too many fields in a structure", ErrorKind::limit);
    for (uint32_t i = 0; i < count && !reader.failed(); ++i) structure.fields.push_back(read_field(reader, scope));
    type.composite = std::move(structure);
    return;
  }
  case 0x5e: type.composite = ArrayType{read_field(reader, scope)}; return;
  default: reader.fail("malformed definition type");
  }
}

SubType read_sub_type(Reader& reader, const TypeScope& scope) {
  SubType type;
  uint8_t form = reader.byte();
  if (form == 0x50 || form == 0x4f) {
    type.final_ = form == 0x4f;
    const uint32_t count = reader.length();
    for (uint32_t i = 0; i < count && !reader.failed(); ++i) {
      const HeapType super = read_type_index(reader, scope);
      if (type.super) reader.fail("sub type: more than one supertype", ErrorKind::invalid);
      type.super = super;
    }
    form = reader.byte();
  }
  read_composite(reader, scope, form, type);
  return type;
}

} // namespace

HeapType read_type_index(Reader& reader, const TypeScope& scope) { return resolve_index(reader, reader.u32(), scope); }

HeapType read_heap_type(Reader& reader, const TypeScope& scope) {
  if (const auto heap = abstract_heap(reader.peek())) {
    reader.byte();
    return HeapType::abstract(*heap);
  }
  const int64_t index = reader.s33();
  if (index < 0) reader.fail("malformed heap type");
  if (reader.failed()) return HeapType::abstract(AbstractHeap::func);
  return resolve_index(reader, static_cast<uint64_t>(index), scope);
}

ValType read_ref_type(Reader& reader, const TypeScope& scope) {
  const uint8_t code = reader.byte();
  if (code == 0x63 || code == 0x64) return ValType::ref(read_heap_type(reader, scope), code == 0x63);
  if (const auto heap = abstract_heap(code)) return ValType::ref(HeapType::abstract(*heap), true);
  reader.fail("malformed reference type");
  return ValType::funcref();
}

ValType read_val_type(Reader& reader, const TypeScope& scope) {
  switch (reader.peek()) {
  case 0x7f: reader.byte(); return ValKind::i32;
  case 0x7e: reader.byte(); return ValKind::i64;
  case 0x7d: reader.byte(); return ValKind::f32;
  case 0x7c: reader.byte(); return ValKind::f64;
  case 0x7b: reader.byte(); return ValKind::v128;
  default: return read_ref_type(reader, scope);
  }
}

Result<void> read_type_section(Reader& reader, TypeRegistry& registry, std::vector<TypeId>& ids) {
  const uint32_t groups = reader.length();
  for (uint32_t i = 0; i < groups && !reader.failed(); ++i) {
    const uint64_t at = reader.offset();
    uint32_t members = 1;
    if (reader.peek() == 0x4e) {
      reader.byte();
      members = reader.length();
    }
    if (members > kMaxTypes - ids.size())
      return std::unexpected(
          Error{.kind = ErrorKind::limit, .message = std::format("more than {} types", kMaxTypes), .offset = at});
    if (members == 0) continue;
    const TypeScope scope{.types = ids, .group_size = members};
    std::vector<SubType> group;
    for (uint32_t member = 0; member < members && !reader.failed(); ++member)
      group.push_back(read_sub_type(reader, scope));
    if (reader.failed()) break;
    Result<TypeId> first = registry.intern(std::move(group));
    if (!first) {
      first.error().offset = at;
      return std::unexpected(std::move(first).error());
    }
    for (uint32_t member = 0; member < members; ++member) {
      const TypeId id{static_cast<uint32_t>(*first) + member};
      if (!registry.matches_declared_super(id))
        return std::unexpected(Error{.kind = ErrorKind::invalid,
                                     .message = std::format("sub type {} does not match super type", ids.size()),
                                     .offset = at});
      ids.push_back(id);
    }
  }
  if (reader.failed()) return std::unexpected(reader.error());
  return {};
}

} // namespace runtime
