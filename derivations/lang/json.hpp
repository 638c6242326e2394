// JSON (RFC 8259) from values and into values, as Nix has it: numbers without fraction and exponent are integers, of
// equal keys the last one counts.
#pragma once
#include "derivations/lang/string_context.hpp"
#include "derivations/lang/value.hpp"
#include <string>
#include <string_view>

namespace lang {

struct Machine;

// Appends the compact JSON of `value`, forced. Sets with __toString or outPath become strings; paths are copied to the
// store where `copy_to_store`. What the strings in it depend on goes to `context`.
void print_json(Machine& m, std::string& out, Value* value, Pos pos, ContextBuilder& context, bool copy_to_store);

// The value of a JSON text; an EvalError that names the byte where it is none.
[[nodiscard]] Value read_json(Machine& m, std::string_view text, Pos pos);

} // namespace lang
