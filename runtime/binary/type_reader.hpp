// Types inside a module's bytes (spec §5.3), for the sections and for the immediates of instructions.
#pragma once
#include "runtime/binary/reader.hpp"
#include "runtime/types/type_registry.hpp"

namespace runtime {

// What type indices mean at a place: the module's types so far, and while a rec group is read, its own members.
struct TypeScope {
  std::span<const TypeId> types;
  uint32_t group_size = 0;
};

// Failures stick to the reader: malformed, or invalid («unknown type») with a harmless value.
[[nodiscard]] HeapType read_heap_type(Reader& reader, const TypeScope& scope);
[[nodiscard]] ValType read_ref_type(Reader& reader, const TypeScope& scope);
[[nodiscard]] ValType read_val_type(Reader& reader, const TypeScope& scope);

// A type index on its own, as heap types above.
[[nodiscard]] HeapType read_type_index(Reader& reader, const TypeScope& scope);

// Reads the type section's content into `ids`, interned and with their declared supertypes checked.
[[nodiscard]] Result<void> read_type_section(Reader& reader, TypeRegistry& registry, std::vector<TypeId>& ids);

} // namespace runtime
