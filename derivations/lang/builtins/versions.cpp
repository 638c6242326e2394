// Builtins on version strings: components are runs of digits or of other characters, separated by '.' and '-'.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"

namespace lang {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view next_component(std::string_view& rest) {
  while (!rest.empty() && (rest[0] == '.' || rest[0] == '-')) rest.remove_prefix(1);
  size_t n = 0;
  if (!rest.empty() && is_digit(rest[0]))
    while (n < rest.size() && is_digit(rest[n])) ++n;
  else
    while (n < rest.size() && !is_digit(rest[n]) && rest[n] != '.' && rest[n] != '-') ++n;
  const std::string_view component = rest.substr(0, n);
  rest.remove_prefix(n);
  return component;
}

std::optional<int64_t> as_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t number = 0;
  for (const char c : text)
    if (!is_digit(c) || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, c - '0', &number))
      return std::nullopt;
  return number;
}

// Numbers by value; "pre" before everything; nothing before a number; words before numbers.
bool component_less(std::string_view a, std::string_view b) {
  const auto x = as_number(a), y = as_number(b);
  if (x && y) return *x < *y;
  if (a.empty() && y) return true;
  if (a == "pre" && b != "pre") return true;
  if (b == "pre") return false;
  if (y) return true;
  if (x) return false;
  return a < b;
}

int compare(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const std::string_view x = next_component(a), y = next_component(b);
    if (component_less(x, y)) return -1;
    if (component_less(y, x)) return 1;
  }
  return 0;
}

Value compare_versions(Machine& m, Pos pos, Value** args) {
  const std::string_view a = m.to_plain_string(args[0], pos);
  return Value::of_integer(compare(a, m.to_plain_string(args[1], pos)));
}

Value split_version(Machine& m, Pos pos, Value** args) {
  std::string_view rest = m.to_plain_string(args[0], pos);
  std::vector<Value*> items;
  while (!rest.empty()) {
    const std::string_view component = next_component(rest);
    if (component.empty()) break;
    items.push_back(m.box(m.make_string(component)));
  }
  Value** list = m.new_list(items.size());
  std::ranges::copy(items, list);
  return Value::of_list(list, items.size());
}

// The version begins after the first '-' that no letter follows.
Value parse_drv_name(Machine& m, Pos pos, Value** args) {
  const std::string_view text = m.to_plain_string(args[0], pos);
  std::string_view name = text, version;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const char next = text[i + 1];
    if (text[i] == '-' && !((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))) {
      name = text.substr(0, i);
      version = text.substr(i + 1);
      break;
    }
  }
  Bindings* result = m.new_bindings(2);
  result->items[0] = {m.names.name, {}, m.box(m.make_string(name))};
  result->items[1] = {m.names.version, {}, m.box(m.make_string(version))};
  result->size = 2;
  Machine::sort(*result);
  return Value::of_attrs(result);
}

constexpr Primop kBuiltins[] = {
    {"compareVersions", 2, compare_versions, "a b",
     "-1, 0 or 1: version `a` is older than, equal to or newer than `b`."},
    {"splitVersion", 1, split_version, "s", "The components of a version, as compareVersions sees them."},
    {"parseDrvName", 1, parse_drv_name, "s", "{ name; version; } of a package name such as hello-2.12."},
};

} // namespace

std::span<const Primop> version_builtins() { return kBuiltins; }

} // namespace lang
