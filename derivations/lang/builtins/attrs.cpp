// Builtins on sets.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"
#include "store/base/suggest.hpp"

namespace lang {

namespace {

Value attr_names(Machine& m, Pos pos, Value** args) {
  const Bindings& attrs = m.to_attrs(args[0], pos);
  Value** items = m.new_list(attrs.size);
  size_t i = 0;
  for (const Attr* attr : m.by_name(attrs)) items[i++] = m.symbol_string(attr->name);
  return Value::of_list(items, attrs.size);
}

Value attr_values(Machine& m, Pos pos, Value** args) {
  const Bindings& attrs = m.to_attrs(args[0], pos);
  Value** items = m.new_list(attrs.size);
  size_t i = 0;
  for (const Attr* attr : m.by_name(attrs)) items[i++] = attr->value;
  return Value::of_list(items, attrs.size);
}

Value get_attr(Machine& m, Pos pos, Value** args) {
  const std::string_view name = m.to_plain_string(args[0], pos);
  const Bindings& attrs = m.to_attrs(args[1], pos);
  const Symbol symbol = m.symbols.find(name);
  if (const Attr* attr = symbol ? attrs.find(symbol) : nullptr) return m.force(attr->value, pos);
  std::vector<std::string_view> names;
  for (const Attr& attr : attrs) names.push_back(m.symbols.text(attr.name));
  const std::string nearest = store::nearest_name(name, names);
  m.fail(ErrorKind::missing_attribute, pos, "attribute '" + std::string{name} + "' missing",
         nearest.empty() ? "" : "did you mean '" + nearest + "'?");
}

Value has_attr(Machine& m, Pos pos, Value** args) {
  const Symbol name = m.symbols.find(m.to_plain_string(args[0], pos));
  const Bindings& attrs = m.to_attrs(args[1], pos);
  return Value::of_boolean(name && attrs.find(name));
}

Value get_attr_pos(Machine& m, Pos pos, Value** args) {
  const Symbol name = m.symbols.find(m.to_plain_string(args[0], pos));
  const Attr* attr = name ? m.to_attrs(args[1], pos).find(name) : nullptr;
  const Source* source = attr ? m.sources.find(attr->pos) : nullptr;
  if (!source) return Value::of_null();
  const Position at = m.sources.resolve(attr->pos);
  Bindings* result = m.new_bindings(3);
  result->items[0] = {m.names.file, {}, m.box(m.make_string(at.file))};
  result->items[1] = {m.names.line, {}, m.box(Value::of_integer(at.line))};
  result->items[2] = {m.names.column, {}, m.box(Value::of_integer(at.column))};
  result->size = 3;
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value remove_attrs(Machine& m, Pos pos, Value** args) {
  const Bindings& attrs = m.to_attrs(args[0], pos);
  std::vector<Symbol> names;
  for (Value* item : m.to_list(args[1], pos)) names.push_back(m.symbols.find(m.to_plain_string(item, pos)));
  std::ranges::sort(names);
  Bindings* result = m.new_bindings(attrs.size);
  for (const Attr& attr : attrs)
    if (!std::ranges::binary_search(names, attr.name)) result->items[result->size++] = attr;
  return result->size == attrs.size ? *args[0] : Value::of_attrs(result);
}

Value intersect_attrs(Machine& m, Pos pos, Value** args) {
  const Bindings &left = m.to_attrs(args[0], pos), &right = m.to_attrs(args[1], pos);
  Bindings* result = m.new_bindings(std::min(left.size, right.size));
  if (left.size > 16 * uint64_t{right.size}) { // look up the few in the many
    for (const Attr& attr : right)
      if (left.find(attr.name)) result->items[result->size++] = attr;
  } else if (right.size > 16 * uint64_t{left.size}) {
    for (const Attr& attr : left)
      if (const Attr* other = right.find(attr.name)) result->items[result->size++] = *other;
  } else {
    const Attr *i = left.begin(), *j = right.begin();
    while (i != left.end() && j != right.end()) {
      if (i->name == j->name) {
        result->items[result->size++] = *j++;
        ++i;
      } else if (i->name < j->name) {
        ++i;
      } else {
        ++j;
      }
    }
  }
  return Value::of_attrs(result);
}

// Of attributes with one name the first counts.
Value list_to_attrs(Machine& m, Pos pos, Value** args) {
  const auto list = m.to_list(args[0], pos);
  Bindings* result = m.new_bindings(list.size());
  for (Value* item : list) {
    const Bindings& pair = m.to_attrs(item, pos);
    const Symbol name = m.symbols.intern(m.to_plain_string(
        m.need_attr(pair, m.names.name, pos, "an element of the argument of listToAttrs").value, pos));
    const Attr& value = m.need_attr(pair, m.names.value, pos, "an element of the argument of listToAttrs");
    result->items[result->size++] = {name, value.pos, value.value};
  }
  std::stable_sort(result->items, result->items + result->size,
                   [](const Attr& a, const Attr& b) { return a.name < b.name; });
  Attr* end = std::unique(result->items, result->items + result->size,
                          [](const Attr& a, const Attr& b) { return a.name == b.name; });
  result->size = static_cast<uint32_t>(end - result->items);
  return Value::of_attrs(result);
}

Value cat_attrs(Machine& m, Pos pos, Value** args) {
  const Symbol name = m.symbols.intern(m.to_plain_string(args[0], pos));
  std::vector<Value*> found;
  for (Value* item : m.to_list(args[1], pos))
    if (const Attr* attr = m.to_attrs(item, pos).find(name)) found.push_back(attr->value);
  Value** items = m.new_list(found.size());
  std::ranges::copy(found, items);
  return Value::of_list(items, found.size());
}

Value map_attrs(Machine& m, Pos pos, Value** args) {
  const Bindings& attrs = m.to_attrs(args[1], pos);
  Bindings* result = m.new_bindings(attrs.size);
  for (const Attr& attr : attrs) {
    Value* partly = m.later(args[0], m.symbol_string(attr.name));
    result->items[result->size++] = {attr.name, attr.pos, m.later(partly, attr.value)};
  }
  return Value::of_attrs(result);
}

Value zip_attrs_with(Machine& m, Pos pos, Value** args) {
  std::map<Symbol, std::vector<Value*>> all;
  const auto list = m.to_list(args[1], pos);
  for (Value* item : list)
    for (const Attr& attr : m.to_attrs(item, pos)) all[attr.name].push_back(attr.value);
  Bindings* result = m.new_bindings(all.size());
  for (const auto& [name, values] : all) {
    Value** items = m.new_list(values.size());
    std::ranges::copy(values, items);
    Value* partly = m.later(args[0], m.symbol_string(name));
    result->items[result->size++] = {name, {}, m.later(partly, m.box(Value::of_list(items, values.size())))};
  }
  return Value::of_attrs(result);
}

constexpr Primop kBuiltins[] = {
    {"attrNames", 1, attr_names, "attrs", "The names of the attributes, sorted."},
    {"attrValues", 1, attr_values, "attrs", "The values of the attributes, in the order of their names."},
    {"getAttr", 2, get_attr, "name attrs", "The attribute `name`; an error if it is missing."},
    {"hasAttr", 2, has_attr, "name attrs", "Whether there is an attribute `name`."},
    {"unsafeGetAttrPos", 2, get_attr_pos, "name attrs",
     "Where the attribute was defined: { file; line; column; }, or null."},
    {"removeAttrs", 2, remove_attrs, "attrs names", "`attrs` without the attributes in the list `names`."},
    {"intersectAttrs", 2, intersect_attrs, "a b", "The attributes of `b` whose names are also in `a`."},
    {"listToAttrs", 1, list_to_attrs, "list", "A set of a list of { name; value; }. The first of equal names counts."},
    {"catAttrs", 2, cat_attrs, "name list", "The attributes `name` of the sets that have one."},
    {"mapAttrs", 2, map_attrs, "f attrs", "The set of `f name value` for every attribute."},
    {"zipAttrsWith", 2, zip_attrs_with, "f list",
     "A set with every name in one of the sets: `f name values`, where `values` is the list of what the sets have "
     "there."},
};

} // namespace

std::span<const Primop> attrs_builtins() { return kBuiltins; }

} // namespace lang
