// Small modules for the tests of validation: one function over given types and body, with something of every index
// space.
#pragma once
#include "runtime/binary/module.hpp"
#include <cstring>
#include <span>

namespace runtime {

using Octets = std::vector<uint8_t>;

inline std::vector<std::byte> to_bytes(std::span<const uint8_t> octets) {
  const auto view = std::as_bytes(octets);
  return {view.begin(), view.end()};
}

// Appends id, size and content.
inline void append_section(Octets& module, uint8_t id, const Octets& content) {
  module.push_back(id);
  size_t size = content.size();
  do {
    module.push_back(static_cast<uint8_t>((size & 0x7f) | (size > 0x7f ? 0x80 : 0)));
    size >>= 7;
  } while (size != 0);
  module.insert(module.end(), content.begin(), content.end());
}

// Type 0 is the function's, written as in the type section without 0x60: {params, results}. Type 1: [] → []; type 2: a
// structure of one mutable i32. A table of functions, a memory, a mutable i32 global 0 and an immutable i64 global 1, a
// tag of type 1, an exported function, a passive data segment of one byte. `code`: local declarations and instructions.
inline std::vector<std::byte> module_with(const Octets& type, const Octets& code) {
  Octets module = {0, 'a', 's', 'm', 1, 0, 0, 0};
  Octets types = {3, 0x60};
  types.insert(types.end(), type.begin(), type.end());
  types.insert(types.end(), {0x60, 0, 0, 0x5f, 1, 0x7f, 1});
  append_section(module, 1, types);
  append_section(module, 3, {1, 0});
  append_section(module, 4, {1, 0x70, 0, 1});
  append_section(module, 5, {1, 0, 1});
  append_section(module, 13, {1, 0, 1});
  append_section(module, 6, {2, 0x7f, 1, 0x41, 0, 0x0b, 0x7e, 0, 0x42, 0, 0x0b});
  append_section(module, 7, {1, 1, 'f', 0, 0});
  append_section(module, 12, {1});
  Octets body;
  append_section(body, 1, code); // the count, then size and bytes of the one body
  append_section(module, 10, body);
  append_section(module, 11, {1, 1, 1, 'x'});
  return to_bytes(module);
}

} // namespace runtime
