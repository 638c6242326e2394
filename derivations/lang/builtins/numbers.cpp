// Builtins on numbers.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/machine.hpp"
#include <cmath>

namespace lang {

namespace {

template <class F> Value arithmetic(Machine& m, Pos pos, Value** args, F f) {
  const Value a = m.force(args[0], pos), b = m.force(args[1], pos);
  if (a.is(Tag::floating) || b.is(Tag::floating)) {
    const double x = m.to_floating(args[0], pos);
    return Value::of_floating(f(x, m.to_floating(args[1], pos)));
  }
  const int64_t x = m.to_integer(args[0], pos);
  return Value::of_integer(
      static_cast<int64_t>(f(static_cast<uint64_t>(x), static_cast<uint64_t>(m.to_integer(args[1], pos)))));
}

Value add(Machine& m, Pos pos, Value** args) {
  return arithmetic(m, pos, args, [](auto x, auto y) { return x + y; });
}
Value sub(Machine& m, Pos pos, Value** args) {
  return arithmetic(m, pos, args, [](auto x, auto y) { return x - y; });
}
Value mul(Machine& m, Pos pos, Value** args) {
  return arithmetic(m, pos, args, [](auto x, auto y) { return x * y; });
}

Value div(Machine& m, Pos pos, Value** args) {
  const double divisor = m.to_floating(args[1], pos);
  if (divisor == 0) m.fail(ErrorKind::arithmetic, pos, "division by zero");
  const Value a = m.force(args[0], pos), b = m.force(args[1], pos);
  if (a.is(Tag::floating) || b.is(Tag::floating)) return Value::of_floating(m.to_floating(args[0], pos) / divisor);
  const int64_t dividend = m.to_integer(args[0], pos);
  if (dividend == INT64_MIN && b.integer() == -1) m.fail(ErrorKind::arithmetic, pos, "overflow in integer division");
  return Value::of_integer(dividend / b.integer());
}

template <class F> Value bits(Machine& m, Pos pos, Value** args, F f) {
  const int64_t a = m.to_integer(args[0], pos);
  return Value::of_integer(f(a, m.to_integer(args[1], pos)));
}
Value bit_and(Machine& m, Pos pos, Value** args) {
  return bits(m, pos, args, [](int64_t a, int64_t b) { return a & b; });
}
Value bit_or(Machine& m, Pos pos, Value** args) {
  return bits(m, pos, args, [](int64_t a, int64_t b) { return a | b; });
}
Value bit_xor(Machine& m, Pos pos, Value** args) {
  return bits(m, pos, args, [](int64_t a, int64_t b) { return a ^ b; });
}

Value to_whole(Machine& m, Pos pos, double x) {
  if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0))
    m.fail(ErrorKind::arithmetic, pos, "the number does not fit into 64 bits");
  return Value::of_integer(static_cast<int64_t>(x));
}
Value ceil(Machine& m, Pos pos, Value** args) { return to_whole(m, pos, std::ceil(m.to_floating(args[0], pos))); }
Value floor(Machine& m, Pos pos, Value** args) { return to_whole(m, pos, std::floor(m.to_floating(args[0], pos))); }

Value less_than(Machine& m, Pos pos, Value** args) {
  const Value a = m.force(args[0], pos);
  return Value::of_boolean(m.less(a, m.force(args[1], pos), pos));
}

constexpr Primop kBuiltins[] = {
    {"add", 2, add, "a b", "a + b, for numbers."},
    {"sub", 2, sub, "a b", "a - b."},
    {"mul", 2, mul, "a b", "a * b."},
    {"div", 2, div, "a b", "a / b; of integers, rounded towards zero."},
    {"bitAnd", 2, bit_and, "a b", "The bits set in both integers."},
    {"bitOr", 2, bit_or, "a b", "The bits set in one of the integers, or both."},
    {"bitXor", 2, bit_xor, "a b", "The bits set in exactly one of the integers."},
    {"ceil", 1, ceil, "x", "The least integer that is not less than `x`."},
    {"floor", 1, floor, "x", "The greatest integer that is not greater than `x`."},
    {"lessThan", 2, less_than, "a b", "a < b: of numbers, strings, paths, or lists of these."},
};

} // namespace

std::span<const Primop> number_builtins() { return kBuiltins; }

} // namespace lang
