// toJSON and fromJSON.
#include "derivations/lang/json.hpp"
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

Value to_json(Machine& m, Pos pos, Value** args) {
  std::string out;
  ContextBuilder context;
  print_json(m, out, args[0], pos, context, true);
  return m.make_string(out, context.finish(m.arena));
}

Value from_json(Machine& m, Pos pos, Value** args) { return read_json(m, m.to_plain_string(args[0], pos), pos); }

constexpr Primop kBuiltins[] = {
    {"toJSON", 1, to_json, "e",
     "JSON text for `e`. Sets with __toString or outPath become strings, paths are copied to the store."},
    {"fromJSON", 1, from_json, "s", "The value that the JSON text `s` stands for."},
};

} // namespace

std::span<const Primop> json_builtins() { return kBuiltins; }

} // namespace lang
