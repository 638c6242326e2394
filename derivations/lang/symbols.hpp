// Interned names. Two symbols are equal if and only if their texts are; comparing them compares numbers.
#pragma once
#include "derivations/lang/arena.hpp"
#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lang {

struct Value;

struct Symbol {
  uint32_t id = 0; // 0: no symbol
  explicit operator bool() const { return id != 0; }
  friend auto operator<=>(Symbol, Symbol) = default;
};

class SymbolTable {
public:
  explicit SymbolTable(Arena& arena);
  [[nodiscard]] Symbol intern(std::string_view text);
  [[nodiscard]] Symbol find(std::string_view text) const; // no symbol if it was never interned
  [[nodiscard]] std::string_view text(Symbol symbol) const { return entries_[symbol.id].text; }
  // A place for the owner to keep the string value of a symbol, made once (attrNames, mapAttrs).
  [[nodiscard]] Value*& string_value(Symbol symbol) { return entries_[symbol.id].value; }
  [[nodiscard]] size_t size() const { return entries_.size() - 1; }

private:
  struct Entry {
    std::string_view text;
    uint32_t hash;
    Value* value;
  };
  void grow();
  Arena& arena_;
  std::vector<Entry> entries_;  // by id
  std::vector<uint32_t> slots_; // open addressing, a power of two; 0: free
};

} // namespace lang
