#include "runtime/text/module_sections.hpp"

namespace runtime::text {

void append_name_map(Bytes& out, const NameMap& names) {
  out.uleb(names.size());
  for (auto [index, name] : names) {
    out.uleb(index);
    out.name(name);
  }
}

void ModuleSections::add_element_segment(SegmentMode mode, uint32_t table, const Bytes& offset, bool by_index,
                                         const Bytes& type, const CountedBytes& items) {
  constexpr uint8_t kNotActive = 1, kExplicit = 2, kExpressions = 4, kElementKindFunction = 0;
  bool is_funcref = type.size() == 1 && type.view()[0] == std::byte{kFuncRef};
  bool short_form = mode == SegmentMode::active && table == 0 && (by_index || is_funcref);
  uint8_t flags = by_index ? 0 : kExpressions;
  if (mode == SegmentMode::active)
    flags |= short_form ? 0 : kExplicit;
  else
    flags |= mode == SegmentMode::passive ? kNotActive : kNotActive | kExplicit;
  Bytes& out = elements.bytes;
  out.u8(flags);
  if (mode == SegmentMode::active) {
    if (!short_form) out.uleb(table);
    out.append(offset);
  }
  if (!short_form) {
    if (by_index)
      out.u8(kElementKindFunction);
    else
      out.append(type);
  }
  out.uleb(items.count);
  out.append(items.bytes);
  ++elements.count;
}

void ModuleSections::add_data_segment(SegmentMode mode, uint32_t memory, const Bytes& offset, std::string_view bytes) {
  constexpr uint8_t kPassive = 1, kExplicit = 2;
  data.bytes.u8(mode == SegmentMode::passive ? kPassive : memory != 0 ? kExplicit : 0);
  if (mode == SegmentMode::active && memory != 0) data.bytes.uleb(memory);
  data.bytes.append(offset);
  data.bytes.name(bytes);
  ++data.count;
}

namespace {

// Custom section «name» (spec §7.4): module, functions, locals.
Bytes name_section(std::string_view module_name, const NameMap& function_names, const CountedBytes& local_names) {
  Bytes out;
  auto subsection = [&](uint8_t id, const Bytes& body) {
    out.u8(id);
    out.sized(body);
  };
  Bytes body;
  if (!module_name.empty()) {
    body.name(module_name);
    subsection(0, body);
  }
  if (!function_names.empty()) {
    body.clear();
    append_name_map(body, function_names);
    subsection(1, body);
  }
  if (local_names.count != 0) {
    body.clear();
    body.uleb(local_names.count);
    body.append(local_names.bytes);
    subsection(2, body);
  }
  return out;
}

} // namespace

std::vector<std::byte> ModuleSections::assemble(const CountedBytes& types, std::string_view module_name,
                                                const NameMap& function_names) const {
  Bytes out;
  out.raw(std::string_view("\0asm\1\0\0\0", 8));
  auto section = [&](uint8_t id, const CountedBytes& contents) {
    if (contents.count == 0) return;
    Bytes count;
    count.uleb(contents.count);
    out.u8(id);
    out.uleb(count.size() + contents.bytes.size());
    out.append(count);
    out.append(contents.bytes);
  };
  auto single = [&](uint8_t id, uint32_t value) {
    Bytes body;
    body.uleb(value);
    out.u8(id);
    out.sized(body);
  };
  section(1, types);
  section(2, imports);
  section(3, functions);
  section(4, tables);
  section(5, memories);
  section(13, tags);
  section(6, globals);
  section(7, exports);
  if (start) single(8, *start);
  section(9, elements);
  if (count_data) single(12, data.count);
  section(10, bodies);
  section(11, data);
  if (Bytes names = name_section(module_name, function_names, local_names); !names.empty()) {
    Bytes body;
    body.name("name");
    body.append(names);
    out.u8(0);
    out.sized(body);
  }
  return out.take();
}

} // namespace runtime::text
