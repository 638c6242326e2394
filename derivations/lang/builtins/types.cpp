// Builtins that ask what a value is.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

template <Tag kTag> Value is_tag(Machine& m, Pos pos, Value** args) {
  return Value::of_boolean(m.force(args[0], pos).is(kTag));
}

Value is_function(Machine& m, Pos pos, Value** args) {
  return Value::of_boolean(m.force(args[0], pos).tag() >= Tag::lambda);
}

Value type_of(Machine& m, Pos pos, Value** args) {
  const auto name = [&](std::string_view text) { return *m.symbol_string(m.symbols.intern(text)); };
  switch (m.force(args[0], pos).tag()) {
  case Tag::integer: return name("int");
  case Tag::floating: return name("float");
  case Tag::boolean: return name("bool");
  case Tag::null: return name("null");
  case Tag::string: return name("string");
  case Tag::path: return name("path");
  case Tag::attrs: return name("set");
  case Tag::list: return name("list");
  case Tag::lambda:
  case Tag::primop:
  case Tag::partial:
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: return name("lambda");
  }
  return name("lambda");
}

Value function_args(Machine& m, Pos pos, Value** args) {
  const Value function = m.force(args[0], pos);
  if (function.is(Tag::primop) || function.is(Tag::partial)) return Value::of_attrs(m.new_bindings(0));
  if (!function.is(Tag::lambda)) m.wrong_type(pos, "a function", function);
  const auto& lambda = *function.pointer<const LambdaExpr>();
  Bindings* result = m.new_bindings(lambda.formal_count);
  for (uint32_t i = 0; i < lambda.formal_count; ++i)
    result->items[i] = {lambda.formals[i].name, lambda.formals[i].pos,
                        m.box(Value::of_boolean(lambda.formals[i].fallback != nullptr))};
  result->size = lambda.formal_count;
  return Value::of_attrs(result);
}

constexpr Primop kBuiltins[] = {
    {"isAttrs", 1, is_tag<Tag::attrs>, "e", "Whether `e` is a set."},
    {"isBool", 1, is_tag<Tag::boolean>, "e", "Whether `e` is a Boolean."},
    {"isFloat", 1, is_tag<Tag::floating>, "e", "Whether `e` is a floating-point number."},
    {"isFunction", 1, is_function, "e", "Whether `e` is a function. A set with __functor is not."},
    {"isInt", 1, is_tag<Tag::integer>, "e", "Whether `e` is an integer."},
    {"isList", 1, is_tag<Tag::list>, "e", "Whether `e` is a list."},
    {"isNull", 1, is_tag<Tag::null>, "e", "Whether `e` is null."},
    {"isPath", 1, is_tag<Tag::path>, "e", "Whether `e` is a path."},
    {"isString", 1, is_tag<Tag::string>, "e", "Whether `e` is a string."},
    {"typeOf", 1, type_of, "e",
     "The name of the type of `e`: int, bool, string, path, null, set, list, lambda or float."},
    {"functionArgs", 1, function_args, "f",
     "A set of the names in the pattern of the function `f`, each true if it has a default."},
};

} // namespace

std::span<const Primop> type_builtins() { return kBuiltins; }

} // namespace lang
