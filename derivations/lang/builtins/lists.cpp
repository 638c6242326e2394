// Builtins on lists.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

Value list_of(Machine& m, const std::vector<Value*>& values) {
  Value** items = m.new_list(values.size());
  std::ranges::copy(values, items);
  return Value::of_list(items, values.size());
}

Value head(Machine& m, Pos pos, Value** args) {
  const auto list = m.to_list(args[0], pos);
  if (list.empty()) m.fail(ErrorKind::value, pos, "the list is empty: it has no head");
  return m.force(list[0], pos);
}

Value tail(Machine& m, Pos pos, Value** args) {
  const auto list = m.to_list(args[0], pos);
  if (list.empty()) m.fail(ErrorKind::value, pos, "the list is empty: it has no tail");
  return Value::of_list(list.data() + 1, list.size() - 1); // the same elements, not copied
}

Value length(Machine& m, Pos pos, Value** args) {
  return Value::of_integer(static_cast<int64_t>(m.to_list(args[0], pos).size()));
}

Value elem_at(Machine& m, Pos pos, Value** args) {
  const auto list = m.to_list(args[0], pos);
  const int64_t index = m.to_integer(args[1], pos);
  if (index < 0 || static_cast<uint64_t>(index) >= list.size())
    m.fail(ErrorKind::value, pos,
           "list index " + std::to_string(index) + " is out of range: the list has " + std::to_string(list.size()) +
               " elements");
  return m.force(list[static_cast<size_t>(index)], pos);
}

Value elem(Machine& m, Pos pos, Value** args) {
  for (Value* item : m.to_list(args[1], pos))
    if (m.equal(args[0], item, pos)) return Value::of_boolean(true);
  return Value::of_boolean(false);
}

Value map(Machine& m, Pos pos, Value** args) {
  const auto list = m.to_list(args[1], pos);
  if (list.empty()) return Value::of_list(nullptr, 0);
  Value** items = m.new_list(list.size());
  for (size_t i = 0; i < list.size(); ++i) items[i] = m.later(args[0], list[i]);
  return Value::of_list(items, list.size());
}

Value filter(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  const auto list = m.to_list(args[1], pos);
  std::vector<Value*> kept;
  for (Value* item : list)
    if (m.is_true(m.apply(function, &item, 1, pos), pos)) kept.push_back(item);
  return kept.size() == list.size() ? *args[1] : list_of(m, kept);
}

Value foldl(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  const auto list = m.to_list(args[2], pos);
  if (list.empty()) return m.force(args[1], pos);
  Value* accumulated = args[1];
  Value result = Value::of_null();
  for (size_t i = 0; i < list.size(); ++i) {
    Value* both[] = {accumulated, list[i]};
    result = m.apply(function, both, 2, pos); // strict: the next step starts from a value
    if (i + 1 < list.size()) accumulated = m.box(result);
  }
  return result;
}

template <bool kAny> Value any_all(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  for (Value* item : m.to_list(args[1], pos))
    if (m.is_true(m.apply(function, &item, 1, pos), pos) == kAny) return Value::of_boolean(kAny);
  return Value::of_boolean(!kAny);
}

Value gen_list(Machine& m, Pos pos, Value** args) {
  const int64_t length = m.to_integer(args[1], pos);
  if (length < 0) m.fail(ErrorKind::value, pos, "cannot make a list of " + std::to_string(length) + " elements");
  if (length > int64_t{1} << 32)
    m.fail(ErrorKind::value, pos, "a list of " + std::to_string(length) + " elements is too long");
  const auto size = static_cast<size_t>(length);
  Value** items = m.new_list(size);
  for (size_t i = 0; i < size; ++i) items[i] = m.later(args[0], m.box(Value::of_integer(static_cast<int64_t>(i))));
  return Value::of_list(items, size);
}

// A stable merge sort of our own: a comparison written in the language need not be an order, and must not be able to
// do more harm than a strange result.
Value sort(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  const auto list = m.to_list(args[1], pos);
  const bool plain_less = function.is(Tag::primop) && function.pointer<Primop>()->name == "lessThan";
  const auto before = [&](Value* a, Value* b) {
    if (plain_less) {
      const Value x = m.force(a, pos);
      return m.less(x, m.force(b, pos), pos);
    }
    Value* both[] = {a, b};
    return m.is_true(m.apply(function, both, 2, pos), pos);
  };
  const size_t size = list.size();
  std::vector<Value*> from(list.begin(), list.end()), to(size);
  for (Value* item : from) (void)m.force(item, pos);
  for (size_t width = 1; width < size; width *= 2) {
    for (size_t start = 0; start < size; start += 2 * width) {
      const size_t middle = std::min(start + width, size), end = std::min(start + 2 * width, size);
      size_t i = start, j = middle;
      for (size_t k = start; k < end; ++k)
        to[k] = i < middle && (j >= end || !before(from[j], from[i])) ? from[i++] : from[j++];
    }
    from.swap(to);
  }
  return list_of(m, from);
}

Value concat_lists(Machine& m, Pos pos, Value** args) {
  std::vector<Value*> all;
  for (Value* item : m.to_list(args[0], pos)) {
    const auto list = m.to_list(item, pos);
    all.insert(all.end(), list.begin(), list.end());
  }
  return list_of(m, all);
}

Value concat_map(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  std::vector<Value*> all;
  for (Value* item : m.to_list(args[1], pos)) {
    const Value list = m.apply(function, &item, 1, pos);
    if (!list.is(Tag::list)) m.wrong_type(pos, "a list", list);
    all.insert(all.end(), list.list().begin(), list.list().end());
  }
  return list_of(m, all);
}

Value partition(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  std::vector<Value*> right, wrong;
  for (Value* item : m.to_list(args[1], pos)) {
    (void)m.force(item, pos);
    (m.is_true(m.apply(function, &item, 1, pos), pos) ? right : wrong).push_back(item);
  }
  Bindings* result = m.new_bindings(2);
  result->items[0] = {m.names.right, {}, m.box(list_of(m, right))};
  result->items[1] = {m.names.wrong, {}, m.box(list_of(m, wrong))};
  result->size = 2;
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value group_by(Machine& m, Pos pos, Value** args) {
  const Value function = m.to_function(args[0], pos);
  std::map<Symbol, std::vector<Value*>> groups;
  for (Value* item : m.to_list(args[1], pos)) {
    const Value key = m.apply(function, &item, 1, pos);
    if (!key.is(Tag::string)) m.wrong_type(pos, "a string", key);
    groups[m.dynamic_name(key, pos)].push_back(item);
  }
  Bindings* result = m.new_bindings(groups.size());
  for (const auto& [name, items] : groups) result->items[result->size++] = {name, {}, m.box(list_of(m, items))};
  return Value::of_attrs(result);
}

constexpr Primop kBuiltins[] = {
    {"head", 1, head, "list", "The first element."},
    {"tail", 1, tail, "list", "The list without its first element."},
    {"length", 1, length, "list", "The number of elements."},
    {"elemAt", 2, elem_at, "list n", "Element `n`, from 0."},
    {"elem", 2, elem, "x list", "Whether an element is equal to `x`."},
    {"map", 2, map, "f list", "The list of `f x` for every element `x`."},
    {"filter", 2, filter, "f list", "The elements for which `f` is true."},
    {"foldl'", 3, foldl, "op start list", "op (op (op start x0) x1) x2 …, evaluating every step."},
    {"any", 2, any_all<true>, "f list", "Whether `f` is true of an element."},
    {"all", 2, any_all<false>, "f list", "Whether `f` is true of every element."},
    {"genList", 2, gen_list, "f n", "[ (f 0) (f 1) … (f (n - 1)) ]."},
    {"sort", 2, sort, "before list", "The elements in the order of `before`, a function of two elements. Stable."},
    {"concatLists", 1, concat_lists, "lists", "The elements of all the lists."},
    {"concatMap", 2, concat_map, "f list", "The elements of all the lists that `f` makes of the elements."},
    {"partition", 2, partition, "f list", "{ right = the elements for which `f` is true; wrong = the others; }."},
    {"groupBy", 2, group_by, "f list", "A set of lists: the elements by the string that `f` makes of them."},
};

} // namespace

std::span<const Primop> list_builtins() { return kBuiltins; }

} // namespace lang
