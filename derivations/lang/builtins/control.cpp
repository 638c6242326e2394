// Builtins that steer evaluation: errors, strictness, tracing, import.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include <cstdio>

namespace lang {

namespace {

Value abort_(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  m.fail(ErrorKind::abort, pos,
         "evaluation aborted with the following message: '" +
             std::string{coerce(m, m.force(args[0], pos), pos, context, Coerce::plain)} + "'");
}

Value throw_(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  m.fail(ErrorKind::thrown, pos, std::string{coerce(m, m.force(args[0], pos), pos, context, Coerce::plain)});
}

Value try_eval(Machine& m, Pos pos, Value** args) {
  Bindings* result = m.new_bindings(2);
  Value* value;
  bool success = true;
  try {
    (void)m.force(args[0], pos);
    value = args[0];
  } catch (const EvalError& error) {
    if (!error.catchable()) throw;
    m.forget_frames();
    success = false;
    value = m.box(Value::of_boolean(false));
  }
  result->items[0] = {m.names.success, {}, m.box(Value::of_boolean(success))};
  result->items[1] = {m.names.value, {}, value};
  result->size = 2;
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value add_error_context(Machine& m, Pos pos, Value** args) {
  try {
    return m.force(args[1], pos);
  } catch (const EvalError&) {
    ContextBuilder context;
    const std::string text{coerce(m, m.force(args[0], pos), pos, context, Coerce::plain)};
    m.note_frame({}, text);
    throw;
  }
}

Value seq(Machine& m, Pos pos, Value** args) {
  (void)m.force(args[0], pos);
  return m.force(args[1], pos);
}

Value deep_seq(Machine& m, Pos pos, Value** args) {
  m.force_deep(args[0], pos);
  return m.force(args[1], pos);
}

Value trace(Machine& m, Pos pos, Value** args) {
  const Value message = m.force(args[0], pos);
  std::string text;
  if (message.is(Tag::string)) {
    text = message.string();
  } else {
    std::set<const void*> seen;
    m.print(text, message, seen);
  }
  if (m.options.trace_output)
    m.options.trace_output(text);
  else
    std::fprintf(stderr, "trace: %s\n", text.c_str());
  return m.force(args[1], pos);
}

Value import(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const std::string path = coerce_to_path(m, args[0], pos, context);
  m.files.realise(context, pos);
  if (m.prefix.contains(path) && path.ends_with(".drv"))
    m.fail(ErrorKind::unsupported, pos, "importing the derivation file '" + path + "' is not supported");
  return m.files.import_file(path, pos);
}

Value scoped_import(Machine& m, Pos pos, Value** args) {
  const Bindings& scope = m.to_attrs(args[0], pos);
  ContextBuilder context;
  const std::string path = coerce_to_path(m, args[1], pos, context);
  m.files.realise(context, pos);
  ScopedNames names;
  for (const Attr& attr : scope) names.emplace(attr.name, attr.value);
  return m.files.import_file(path, pos, &names);
}

Value get_env(Machine& m, Pos pos, Value** args) {
  const std::string name{m.to_plain_string(args[0], pos)};
  const char* value = m.options.pure ? nullptr : std::getenv(name.c_str());
  return m.make_string(value ? value : "");
}

// Work list of genericClosure. Keys are compared as `<` does.
Value generic_closure(Machine& m, Pos pos, Value** args) {
  const Bindings& argument = m.to_attrs(args[0], pos);
  const auto start =
      m.to_list(m.need_attr(argument, m.names.start_set, pos, "the argument of genericClosure").value, pos);
  Value* op = m.need_attr(argument, m.names.op, pos, "the argument of genericClosure").value;
  (void)m.to_function(op, pos);
  const auto before = [&](const Value& a, const Value& b) { return m.less(a, b, pos); };
  std::set<Value, decltype(before)> done(before);
  std::vector<Value*> work(start.begin(), start.end()), result;
  for (size_t next = 0; next < work.size(); ++next) {
    const Bindings& item = m.to_attrs(work[next], pos);
    const Value key = m.force(m.need_attr(item, m.names.key, pos, "an element of genericClosure").value, pos);
    if (done.empty()) (void)m.less(key, key, pos); // a key that cannot be compared is an error even when it is alone
    if (!done.insert(key).second) continue;
    result.push_back(work[next]);
    const Value more = m.apply(op, work[next], pos);
    if (!more.is(Tag::list)) m.wrong_type(pos, "a list", more);
    for (Value* other : more.list()) {
      (void)m.force(other, pos);
      work.push_back(other);
    }
  }
  Value** items = m.new_list(result.size());
  std::ranges::copy(result, items);
  return Value::of_list(items, result.size());
}

constexpr Primop kBuiltins[] = {
    {"abort", 1, abort_, "message", "Ends evaluation with an error that tryEval does not catch."},
    {"throw", 1, throw_, "message", "Raises an error with this message. tryEval catches it."},
    {"tryEval", 1, try_eval, "e",
     "{ success = true; value = e; } if the outermost part of `e` evaluates, { success = false; value = false; } if it "
     "throws or an assertion fails. Other errors are not caught."},
    {"addErrorContext", 2, add_error_context, "message e",
     "`e`; if evaluating it fails, `message` is part of the trace."},
    {"seq", 2, seq, "a b", "Evaluates `a` to its outermost part, then returns `b`."},
    {"deepSeq", 2, deep_seq, "a b", "Evaluates `a` and everything in it, then returns `b`."},
    {"trace", 2, trace, "message e", "Prints `message` on standard error, then returns `e`."},
    {"import", 1, import, "path",
     "The value of the expression in the file `path`; of its default.nix if it is a folder. Every file is evaluated "
     "once."},
    {"scopedImport", 2, scoped_import, "scope path",
     "Like import, with the attributes of `scope` as variables of the file. Not remembered."},
    {"getEnv", 1, get_env, "name", "The environment variable `name`, or \"\". Always \"\" in pure evaluation."},
    {"genericClosure", 1, generic_closure, "attrs",
     "All elements reachable from the list `startSet` by the function `operator`, which maps an element to a list. "
     "Every "
     "element is a set with an attribute `key`, and is taken once for every key."},
};

} // namespace

std::span<const Primop> control_builtins() { return kBuiltins; }

} // namespace lang
