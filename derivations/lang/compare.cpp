// Equality and order of values.
#include "derivations/lang/machine.hpp"

namespace lang {

bool Machine::is_derivation(Value v, Pos pos) {
  if (!v.is(Tag::attrs)) return false;
  const Attr* type = v.attrs().find(names.type);
  if (!type) return false;
  const Value text = force(type->value, pos);
  return text.is(Tag::string) && text.string() == "derivation";
}

// Functions are never equal. Derivations are equal if their outputs are. Elements that are one value are equal
// without being looked at (Machine::equal(Value*, Value*)), which makes [ f ] == [ f ] true.
bool Machine::equal(Value a, Value b, Pos pos) {
  check_stack(pos);
  if (a.tag() != b.tag()) {
    if (a.is(Tag::integer) && b.is(Tag::floating)) return static_cast<double>(a.integer()) == b.floating();
    if (a.is(Tag::floating) && b.is(Tag::integer)) return a.floating() == static_cast<double>(b.integer());
    return false;
  }
  switch (a.tag()) {
  case Tag::integer: return a.integer() == b.integer();
  case Tag::floating: return a.floating() == b.floating();
  case Tag::boolean: return a.boolean() == b.boolean();
  case Tag::null: return true;
  case Tag::string:
  case Tag::path: return a.string() == b.string();
  case Tag::list: {
    const auto x = a.list(), y = b.list();
    if (x.size() != y.size()) return false;
    for (size_t i = 0; i < x.size(); ++i)
      if (!equal(x[i], y[i], pos)) return false;
    return true;
  }
  case Tag::attrs: {
    const Bindings &x = a.attrs(), &y = b.attrs();
    if (is_derivation(a, pos) && is_derivation(b, pos)) {
      const Attr *i = x.find(names.out_path), *j = y.find(names.out_path);
      if (i && j) return equal(i->value, j->value, pos);
    }
    if (x.size != y.size) return false;
    for (uint32_t i = 0; i < x.size; ++i)
      if (x.items[i].name != y.items[i].name || !equal(x.items[i].value, y.items[i].value, pos)) return false;
    return true;
  }
  case Tag::lambda:
  case Tag::primop:
  case Tag::partial:
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: return false;
  }
  return false;
}

bool Machine::less(Value a, Value b, Pos pos) {
  if (a.is(Tag::integer) && b.is(Tag::floating)) return static_cast<double>(a.integer()) < b.floating();
  if (a.is(Tag::floating) && b.is(Tag::integer)) return a.floating() < static_cast<double>(b.integer());
  if (a.tag() == b.tag()) {
    switch (a.tag()) {
    case Tag::integer: return a.integer() < b.integer();
    case Tag::floating: return a.floating() < b.floating();
    case Tag::string:
    case Tag::path: return a.string() < b.string();
    case Tag::list: { // the first difference decides; a list is less than its continuations
      check_stack(pos);
      const auto x = a.list(), y = b.list();
      for (size_t i = 0; i < x.size() && i < y.size(); ++i)
        if (!equal(x[i], y[i], pos)) return less(force(x[i], pos), force(y[i], pos), pos);
      return x.size() < y.size();
    }
    default: break;
    }
  }
  fail(ErrorKind::type, pos, "cannot compare " + describe_type(a) + " with " + describe_type(b));
}

} // namespace lang
