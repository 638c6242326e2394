// The sections of a module under construction (spec §5.5), in the binary format but for the lengths in front of them.
#pragma once
#include "runtime/binary/module.hpp"
#include "runtime/text/bytes.hpp"

namespace runtime::text {

using NameMap = std::vector<std::pair<uint32_t, std::string_view>>; // by ascending index
void append_name_map(Bytes& out, const NameMap& names);

inline constexpr uint8_t kFuncRef = 0x70; // the reference type, encoded

struct ModuleSections {
  CountedBytes imports, functions, tables, memories, tags, globals, exports, elements, bodies, data;
  std::optional<uint32_t> start;
  bool count_data = false;  // write the data count section: code names data segments
  CountedBytes local_names; // of functions: index and name map each

  // `items`: function indices, or expressions of type `type` (an encoded reference type). `offset`: encoded with its
  // end; `table` and `offset` are of active segments only. Chooses the shortest of the eight forms (§5.5.12).
  void add_element_segment(SegmentMode mode, uint32_t table, const Bytes& offset, bool by_index, const Bytes& type,
                           const CountedBytes& items);
  void add_data_segment(SegmentMode mode, uint32_t memory, const Bytes& offset, std::string_view bytes);

  // The module, with a name section (§7.4.1) if there are names.
  [[nodiscard]] std::vector<std::byte> assemble(const CountedBytes& types, std::string_view module_name,
                                                const NameMap& function_names) const;
};

} // namespace runtime::text
