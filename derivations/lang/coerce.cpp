#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include <cstdio>

namespace lang {

std::string_view coerce(Machine& m, Value v, Pos pos, ContextBuilder& context, Coerce how) {
  switch (v.tag()) {
  case Tag::string: context.add(v.context()); return v.string();
  case Tag::path: {
    if (!(how & Coerce::copy_to_store)) return v.string();
    const Value copied = m.files.copy_to_store(v.string(), pos);
    context.add(copied.context());
    return copied.string();
  }
  case Tag::attrs: {
    m.check_stack(pos);
    if (const Attr* method = v.attrs().find(m.names.to_string)) {
      Value* self = m.box(v);
      return coerce(m, m.apply(m.force(method->value, pos), &self, 1, pos), pos, context, how);
    }
    if (const Attr* out = v.attrs().find(m.names.out_path))
      return coerce(m, m.force(out->value, pos), pos, context, how);
    m.fail(ErrorKind::type, pos, "cannot coerce a set to a string",
           "a set needs an attribute 'outPath' or '__toString' for that");
  }
  default: break;
  }
  if (how & Coerce::more) {
    switch (v.tag()) {
    case Tag::boolean: return v.boolean() ? "1" : "";
    case Tag::null: return "";
    case Tag::integer: return m.arena.copy(std::to_string(v.integer()));
    case Tag::floating: {
      char buffer[400];
      const int size = std::snprintf(buffer, sizeof buffer, "%f", v.floating());
      return m.arena.copy({buffer, static_cast<size_t>(size)});
    }
    case Tag::list: {
      m.check_stack(pos);
      std::string result;
      const auto items = v.list();
      for (size_t i = 0; i < items.size(); ++i) {
        const Value item = m.force(items[i], pos);
        result += coerce(m, item, pos, context, how);
        // Between elements one blank, but none after an empty list.
        if (i + 1 < items.size() && !(item.is(Tag::list) && item.list().empty())) result += ' ';
      }
      return m.arena.copy(result);
    }
    default: break;
    }
  }
  m.fail(ErrorKind::type, pos, "cannot coerce " + m.describe_type(v) + " to a string",
         how & Coerce::more                          ? ""
         : v.is(Tag::integer) || v.is(Tag::floating) ? "builtins.toString makes a string of a number"
                                                     : "");
}

std::string coerce_to_path(Machine& m, Value* v, Pos pos, ContextBuilder& context) {
  const std::string_view text = coerce(m, m.force(v, pos), pos, context, Coerce::plain);
  if (!text.starts_with('/'))
    m.fail(ErrorKind::value, pos, "the string '" + std::string{text} + "' is not an absolute path",
           "a path relative to this file is written without quotes: ./name");
  return canonical_path(text);
}

} // namespace lang
