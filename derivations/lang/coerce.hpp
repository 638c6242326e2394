// From values to text: interpolation, toString, derivation attributes.
#pragma once
#include "derivations/lang/string_context.hpp"
#include "derivations/lang/value.hpp"
#include <string>
#include <string_view>

namespace lang {

struct Machine;

enum class Coerce : uint8_t {
  plain = 0,
  more = 1,          // numbers, booleans, null, lists too
  copy_to_store = 2, // paths become store paths
};
constexpr Coerce operator|(Coerce a, Coerce b) {
  return static_cast<Coerce>(static_cast<int>(a) | static_cast<int>(b));
}
constexpr bool operator&(Coerce a, Coerce b) { return (static_cast<int>(a) & static_cast<int>(b)) != 0; }

// Text that lives as long as the machine; what it depends on goes to `context`. An EvalError of kind `type` for what
// has no text.
[[nodiscard]] std::string_view coerce(Machine& m, Value v, Pos pos, ContextBuilder& context, Coerce how);
// An absolute path: of a path, or of a string that begins with '/'.
[[nodiscard]] std::string coerce_to_path(Machine& m, Value* v, Pos pos, ContextBuilder& context);

} // namespace lang
