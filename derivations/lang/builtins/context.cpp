// Builtins on string contexts: what the text of a string was made of.
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

Value with_context(Machine& m, Value v, ContextBuilder& context) {
  return Value::of_string(v.pointer<StringData>(), context.finish(m));
}

Value coerced(Machine& m, Pos pos, Value* arg, ContextBuilder& context) {
  const Value v = m.force(arg, pos);
  if (v.is(Tag::string)) {
    context.add(v.context());
    return v;
  }
  return m.make_string(m.coerce(v, pos, context, Coerce::copy_to_store));
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

// «=x.drv» becomes «x.drv»: the file alone, without what it would build.
Value discard_output_dependency(Machine& m, Pos pos, Value** args) {
  ContextBuilder context, result;
  const Value v = coerced(m, pos, args[0], context);
  for (const Symbol element : context.elements()) {
    const std::string_view text = m.symbols.text(element);
    result.add(text.starts_with('=') ? m.symbols.intern(text.substr(1)) : element);
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
  const std::string_view text = m.symbols.text(elements[0]);
  if (text.starts_with('!') || !text.ends_with(".drv"))
    m.fail(ErrorKind::value, pos, "the context '" + std::string{text} + "' is not a derivation file");
  result.add(text.starts_with('=') ? elements[0] : m.symbols.intern("=" + std::string{text}));
  return with_context(m, v, result);
}

Value get_context(Machine& m, Pos pos, Value** args) {
  struct Entry {
    bool path = false, all_outputs = false;
    std::vector<std::string_view> outputs;
  };
  ContextBuilder context;
  (void)m.to_string(args[0], pos, &context);
  std::map<std::string_view, Entry> entries;
  for (const Symbol element : context.elements()) {
    const std::string_view text = m.symbols.text(element);
    if (text.starts_with('!')) {
      const size_t second = text.find('!', 1);
      entries[text.substr(second + 1)].outputs.push_back(text.substr(1, second - 1));
    } else if (text.starts_with('=')) {
      entries[text.substr(1)].all_outputs = true;
    } else {
      entries[text].path = true;
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
    result->items[result->size++] = {m.symbols.intern(path), {}, m.box(Value::of_attrs(info))};
  }
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value append_context(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const Value v = m.force(args[0], pos);
  (void)m.to_string(args[0], pos, &context);
  for (const Attr& attr : m.to_attrs(args[1], pos)) {
    const std::string path{m.symbols.text(attr.name)};
    (void)m.store_path_of(path, attr.pos);
    const Bindings& info = m.to_attrs(attr.value, attr.pos);
    if (const Attr* flag = info.find(m.names.path); flag && m.to_boolean(flag->value, flag->pos))
      context.add(attr.name);
    if (const Attr* flag = info.find(m.names.all_outputs); flag && m.to_boolean(flag->value, flag->pos)) {
      if (!path.ends_with(".drv"))
        m.fail(ErrorKind::value, flag->pos,
               "'" + path + "' is not a derivation: it cannot have allOutputs in a context");
      context.add(m.symbols.intern("=" + path));
    }
    if (const Attr* outputs = info.find(m.names.outputs)) {
      const auto list = m.to_list(outputs->value, outputs->pos);
      if (!list.empty() && !path.ends_with(".drv"))
        m.fail(ErrorKind::value, outputs->pos,
               "'" + path + "' is not a derivation: it cannot have outputs in a context");
      for (Value* item : list)
        context.add(m.symbols.intern("!" + std::string{m.to_plain_string(item, outputs->pos)} + "!" + path));
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
