// What identifiers mean in a module: one index space a kind (spec §6.1.4), filled by the first pass over the module's
// fields, so that the second can resolve forward references at once.
#pragma once
#include "runtime/text/cursor.hpp"
#include <deque>
#include <string>
#include <unordered_map>

namespace runtime::text {

struct IndexSpace {
  const char* kind; // in messages: «unknown func $f»
  uint32_t count = 0;
  std::unordered_map<std::string_view, uint32_t> by_name = {};
  std::vector<std::pair<uint32_t, std::string_view>> names = {}; // in index order, for the name section
};

class Scope {
public:
  IndexSpace types{.kind = "type"}, functions{.kind = "func"}, tables{.kind = "table"}, memories{.kind = "memory"},
      globals{.kind = "global"}, tags{.kind = "tag"}, elements{.kind = "elem segment"}, data{.kind = "data segment"};
  std::unordered_map<uint32_t, IndexSpace> fields; // of a structure type; only those with names

  // The identifier at the cursor without its $, quoted forms decoded; lives as long as the Scope or the source.
  [[nodiscard]] std::string_view identifier(Cursor& cursor) {
    std::string_view text = cursor.text(cursor.next()).substr(1);
    return text.starts_with('"') ? decoded_.emplace_back(unescape(text)) : text;
  }

  // Takes an optional identifier and gives it the next index, which is returned.
  [[nodiscard]] Result<uint32_t> bind(IndexSpace& space, Cursor& cursor) {
    if (cursor.kind() == TokenKind::id) {
      const Token& token = cursor.peek();
      std::string_view name = identifier(cursor);
      if (!space.by_name.emplace(name, space.count).second)
        return cursor.fail(std::string("duplicate ") + space.kind + " " + std::string(name), token);
      space.names.emplace_back(space.count, name);
    }
    return space.count++;
  }

  // An index, by number or by name. Numbers are not compared with the count: that is the validator's.
  [[nodiscard]] Result<uint32_t> index(const IndexSpace& space, Cursor& cursor) {
    if (cursor.kind() != TokenKind::id) {
      if (!cursor.is_natural()) return cursor.unexpected();
      return static_cast<uint32_t>(TRY(cursor.natural(32)));
    }
    const Token& token = cursor.peek();
    std::string_view name = identifier(cursor);
    auto found = space.by_name.find(name);
    if (found == space.by_name.end())
      return cursor.fail(std::string("unknown ") + space.kind + " " + std::string(name), token);
    return found->second;
  }

private:
  std::deque<std::string> decoded_;
};

} // namespace runtime::text
