// From values to text: interpolation, toString, derivation attributes; and the context that text carries.
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include <cstdio>

namespace lang {

std::vector<Symbol> ContextBuilder::elements() {
  if (only_) return {only_->span().begin(), only_->span().end()};
  std::ranges::sort(elements_);
  elements_.erase(std::ranges::unique(elements_).begin(), elements_.end());
  return elements_;
}

const Context* ContextBuilder::finish(Machine& m) {
  if (only_ || elements_.empty()) return only_;
  const std::vector<Symbol> all = elements();
  auto* context = static_cast<Context*>(m.arena.allocate(sizeof(Context) + all.size() * sizeof(Symbol)));
  context->size = static_cast<uint32_t>(all.size());
  std::ranges::copy(all, context->elements);
  return context;
}

std::string_view Machine::coerce(Value v, Pos pos, ContextBuilder& context, Coerce how) {
  switch (v.tag()) {
  case Tag::string: context.add(v.context()); return v.string();
  case Tag::path: {
    if (!(how & Coerce::copy_to_store)) return v.string();
    const Value copied = copy_to_store(v.string(), pos);
    context.add(copied.context());
    return copied.string();
  }
  case Tag::attrs: {
    check_stack(pos);
    if (const Attr* method = v.attrs().find(names.to_string)) {
      Value* self = box(v);
      return coerce(apply(force(method->value, pos), &self, 1, pos), pos, context, how);
    }
    if (const Attr* out = v.attrs().find(names.out_path)) return coerce(force(out->value, pos), pos, context, how);
    fail(ErrorKind::type, pos, "cannot coerce a set to a string",
         "a set needs an attribute 'outPath' or '__toString' for that");
  }
  default: break;
  }
  if (how & Coerce::more) {
    switch (v.tag()) {
    case Tag::boolean: return v.boolean() ? "1" : "";
    case Tag::null: return "";
    case Tag::integer: return arena.copy(std::to_string(v.integer()));
    case Tag::floating: {
      char buffer[400];
      const int size = std::snprintf(buffer, sizeof buffer, "%f", v.floating());
      return arena.copy({buffer, static_cast<size_t>(size)});
    }
    case Tag::list: {
      check_stack(pos);
      std::string result;
      const auto items = v.list();
      for (size_t i = 0; i < items.size(); ++i) {
        const Value item = force(items[i], pos);
        result += coerce(item, pos, context, how);
        // Between elements one blank, but none after an empty list.
        if (i + 1 < items.size() && !(item.is(Tag::list) && item.list().empty())) result += ' ';
      }
      return arena.copy(result);
    }
    default: break;
    }
  }
  fail(ErrorKind::type, pos, "cannot coerce " + describe_type(v) + " to a string",
       how & Coerce::more                          ? ""
       : v.is(Tag::integer) || v.is(Tag::floating) ? "builtins.toString makes a string of a number"
                                                   : "");
}

std::string Machine::coerce_to_path(Value* v, Pos pos, ContextBuilder& context) {
  const std::string_view text = coerce(force(v, pos), pos, context, Coerce::plain);
  if (!text.starts_with('/'))
    fail(ErrorKind::value, pos, "the string '" + std::string{text} + "' is not an absolute path",
         "a path relative to this file is written without quotes: ./name");
  return canonical_path(text);
}

} // namespace lang
