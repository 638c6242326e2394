// Builtins on string contexts: what the text of a string was made of.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

Value with_context(Machine& m, Value v, ContextBuilder& context) {
  return Value::of_string(v.pointer<StringData>(), context.finish(m.arena));
}

Value coerced(Machine& m, Pos pos, Value* arg, ContextBuilder& context) {
  const Value v = m.force(arg, pos);
  if (v.is(Tag::string)) {
    context.add(v.context());
    return v;
  }
  return m.make_string(coerce(m, v, pos, context, Coerce::copy_to_store));
}

Value has_context(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  (void)m.to_string(args[0], pos, &context);
  return Value::of_boolean(!context.empty());
}

Value discard_context(Machine& m, Pos pos, Value** args) {
  ContextBuilder context, none;
  return with_context(m, coerced(m, pos, args[0], context), none);
}

// The derivation with all of its outputs becomes its file alone.
Value discard_output_dependency(Machine& m, Pos pos, Value** args) {
  ContextBuilder context, result;
  const Value v = coerced(m, pos, args[0], context);
  for (const Symbol symbol : context.elements()) {
    ContextElement element = m.context_element(symbol);
    if (element.kind == ContextElement::Kind::derivation) element.kind = ContextElement::Kind::path;
    result.add(m.context_symbol(element));
  }
  return with_context(m, v, result);
}

Value add_output_dependencies(Machine& m, Pos pos, Value** args) {
  ContextBuilder context, result;
  const Value v = coerced(m, pos, args[0], context);
  const auto elements = context.elements();
  if (elements.size() != 1)
    m.fail(ErrorKind::value, pos,
           "the string must have exactly one element in its context, but has " + std::to_string(elements.size()));
  ContextElement element = m.context_element(elements[0]);
  if (element.kind == ContextElement::Kind::output || !element.path.is_derivation())
    m.fail(ErrorKind::value, pos,
           "the context '" + std::string{m.symbols.text(elements[0])} + "' is not a derivation file");
  element.kind = ContextElement::Kind::derivation;
  result.add(m.context_symbol(element));
  return with_context(m, v, result);
}

Value get_context(Machine& m, Pos pos, Value** args) {
  struct Entry {
    bool path = false, all_outputs = false;
    std::vector<std::string> outputs;
  };
  ContextBuilder context;
  (void)m.to_string(args[0], pos, &context);
  std::map<store::StorePath, Entry> entries;
  for (const Symbol symbol : context.elements()) {
    ContextElement element = m.context_element(symbol);
    Entry& entry = entries[element.path];
    switch (element.kind) {
    case ContextElement::Kind::path: entry.path = true; break;
    case ContextElement::Kind::output: entry.outputs.push_back(std::move(element.output)); break;
    case ContextElement::Kind::derivation: entry.all_outputs = true; break;
    }
  }
  Bindings* result = m.new_bindings(entries.size());
  for (auto& [path, entry] : entries) {
    Bindings* info = m.new_bindings(3);
    const auto add = [&](Symbol name, Value v) { info->items[info->size++] = {name, {}, m.box(v)}; };
    if (entry.path) add(m.names.path, Value::of_boolean(true));
    if (entry.all_outputs) add(m.names.all_outputs, Value::of_boolean(true));
    if (!entry.outputs.empty()) {
      std::ranges::sort(entry.outputs);
      Value** items = m.new_list(entry.outputs.size());
      for (size_t i = 0; i < entry.outputs.size(); ++i) items[i] = m.box(m.make_string(entry.outputs[i]));
      add(m.names.outputs, Value::of_list(items, entry.outputs.size()));
    }
    Machine::sort(*info);
    result->items[result->size++] = {m.symbols.intern(m.full(path)), {}, m.box(Value::of_attrs(info))};
  }
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value append_context(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const Value v = m.force(args[0], pos);
  (void)m.to_string(args[0], pos, &context);
  for (const Attr& attr : m.to_attrs(args[1], pos)) {
    const auto subject = [&] { return "'" + std::string{m.symbols.text(attr.name)} + "'"; };
    const store::StorePath path = m.store_path_of(m.symbols.text(attr.name), attr.pos);
    const auto add = [&](ContextElement::Kind kind, std::string_view output = {}) {
      context.add(m.context_symbol({.kind = kind, .path = path, .output = std::string{output}}));
    };
    const Bindings& info = m.to_attrs(attr.value, attr.pos);
    if (const Attr* flag = info.find(m.names.path); flag && m.to_boolean(flag->value, flag->pos))
      add(ContextElement::Kind::path);
    if (const Attr* flag = info.find(m.names.all_outputs); flag && m.to_boolean(flag->value, flag->pos)) {
      if (!path.is_derivation())
        m.fail(ErrorKind::value, flag->pos, subject() + " is not a derivation: it cannot have allOutputs in a context");
      add(ContextElement::Kind::derivation);
    }
    if (const Attr* outputs = info.find(m.names.outputs)) {
      const auto list = m.to_list(outputs->value, outputs->pos);
      if (!list.empty() && !path.is_derivation())
        m.fail(ErrorKind::value, outputs->pos, subject() + " is not a derivation: it cannot have outputs in a context");
      for (Value* item : list) add(ContextElement::Kind::output, m.to_plain_string(item, outputs->pos));
    }
  }
  return with_context(m, v, context);
}

constexpr Primop kBuiltins[] = {
    {"hasContext", 1, has_context, "s", "Whether the string `s` refers to something in the store."},
    {"getContext", 1, get_context, "s",
     "What `s` refers to: a set with an attribute for every store path, { path; allOutputs; outputs; }."},
    {"appendContext", 2, append_context, "s context", "`s` with more context, in the form that getContext gives."},
    {"unsafeDiscardStringContext", 1, discard_context, "s",
     "The text of `s` without its context. What is built from it does not depend on what `s` referred to."},
    {"unsafeDiscardOutputDependency", 1, discard_output_dependency, "s",
     "`s`, where a reference to a derivation and all of its outputs becomes one to the .drv file alone."},
    {"addDrvOutputDependencies", 1, add_output_dependencies, "s",
     "`s`, whose only reference is to a .drv file, with one to the derivation and all of its outputs instead."},
};

} // namespace

std::span<const Primop> context_builtins() { return kBuiltins; }

} // namespace lang
