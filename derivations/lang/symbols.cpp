// The symbol table: FNV-1a over open addressing with linear probing, at most half full.
#include "derivations/lang/symbols.hpp"

namespace lang {

namespace {
uint32_t hash_text(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<uint32_t>(hash ^ hash >> 32);
}
} // namespace

SymbolTable::SymbolTable(Arena& arena) : arena_(arena), entries_(1), slots_(4096) { entries_.reserve(2048); }

Symbol SymbolTable::intern(std::string_view text) {
  const uint32_t hash = hash_text(text);
  size_t slot = hash & (slots_.size() - 1);
  while (const uint32_t id = slots_[slot]) {
    if (entries_[id].hash == hash && entries_[id].text == text) return {id};
    slot = (slot + 1) & (slots_.size() - 1);
  }
  const auto id = static_cast<uint32_t>(entries_.size());
  entries_.push_back({arena_.copy(text), hash, nullptr});
  slots_[slot] = id;
  if (entries_.size() * 2 > slots_.size()) grow();
  return {id};
}

Symbol SymbolTable::find(std::string_view text) const {
  const uint32_t hash = hash_text(text);
  for (size_t slot = hash & (slots_.size() - 1); const uint32_t id = slots_[slot];
       slot = (slot + 1) & (slots_.size() - 1))
    if (entries_[id].hash == hash && entries_[id].text == text) return {id};
  return {};
}

void SymbolTable::grow() {
  std::vector<uint32_t> slots(slots_.size() * 2);
  for (uint32_t id = 1; id < entries_.size(); ++id) {
    size_t slot = entries_[id].hash & (slots.size() - 1);
    while (slots[slot]) slot = (slot + 1) & (slots.size() - 1);
    slots[slot] = id;
  }
  slots_ = std::move(slots);
}

} // namespace lang
