// How each node of the syntax tree evaluates itself. The hot path of the evaluator: fib 27 of
// tests/bench/eval_bench.cpp spends its time in NearSlotExpr, CallExpr, IfExpr and the arithmetic below.
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include "store/base/suggest.hpp"

namespace lang {

Value* Expr::defer(Machine& m, Env* env) const { return m.thunk(env, this); }

// --- constants and variables

Value ConstantExpr::eval(Machine&, Env*) const { return value; }
Value* ConstantExpr::defer(Machine&, Env*) const { return &value; }

Value SharedExpr::eval(Machine& m, Env*) const { return m.force(value, pos); }
Value* SharedExpr::defer(Machine&, Env*) const { return value; }

Value VariableExpr::eval(Machine& m, Env*) const { // binding has replaced them all
  m.fail(ErrorKind::undefined_variable, pos, "undefined variable '" + std::string{m.symbols.text(name)} + "'");
}

Value NearSlotExpr::eval(Machine& m, Env* env) const { return m.force(env->values[slot], pos); }
// A slot is empty while its scope is being filled: `let a = b; b = 1; in …`.
Value* NearSlotExpr::defer(Machine& m, Env* env) const {
  Value* value = env->values[slot];
  return value ? value : m.thunk(env, this);
}

Value SlotExpr::eval(Machine& m, Env* env) const {
  for (uint32_t i = level; i; --i) env = env->up;
  return m.force(env->values[slot], pos);
}
Value* SlotExpr::defer(Machine& m, Env* env) const {
  Env* scope = env;
  for (uint32_t i = level; i; --i) scope = scope->up;
  Value* value = scope->values[slot];
  return value ? value : m.thunk(env, this);
}

Value WithVariableExpr::eval(Machine& m, Env* env) const {
  for (uint32_t i = level; i; --i) env = env->up;
  const WithExpr* scope = with;
  for (;;) {
    const Value subject = m.force(env->values[0], scope->pos);
    if (!subject.is(Tag::attrs)) m.wrong_type(scope->subject->pos, "a set", subject);
    if (const Attr* attr = subject.attrs().find(name)) return m.force(attr->value, pos);
    if (!scope->outer) break;
    for (uint32_t i = scope->outer_distance; i; --i) env = env->up;
    scope = scope->outer;
  }
  std::vector<std::string_view> names;
  for (const Attr& attr : env->values[0]->attrs()) names.push_back(m.symbols.text(attr.name));
  const std::string nearest = store::nearest_name(m.symbols.text(name), names);
  m.fail(ErrorKind::undefined_variable, pos, "undefined variable '" + std::string{m.symbols.text(name)} + "'",
         nearest.empty() ? "" : "did you mean '" + nearest + "'?");
}

Value CurrentPositionExpr::eval(Machine& m, Env*) const {
  const Position at = m.sources.resolve(pos);
  Bindings* result = m.new_bindings(3);
  result->items[0] = {m.names.file, pos, m.box(m.make_string(at.file))};
  result->items[1] = {m.names.line, pos, m.box(Value::of_integer(at.line))};
  result->items[2] = {m.names.column, pos, m.box(Value::of_integer(at.column))};
  result->size = 3;
  Machine::sort(*result);
  return Value::of_attrs(result);
}

// --- sets

void AttrsExpr::defer_members(Machine& m, Env* outer, Env* inner, Value** slots) const {
  Env* sources = nullptr;
  if (source_count) {
    sources = m.new_env(inner, source_count);
    for (const InheritSource* s = first_source; s; s = s->next) sources->values[s->index] = s->value->defer(m, inner);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const AttrDef& def = defs[i];
    Env* env = def.kind == AttrKind::plain ? inner : def.kind == AttrKind::inherited ? outer : sources;
    // With __overrides a slot may still be replaced: nothing may hold on to the value that is in it now.
    slots[i] = has_overrides && def.kind == AttrKind::plain ? m.thunk(env, def.value) : def.value->defer(m, env);
  }
}

Value AttrsExpr::eval(Machine& m, Env* env) const {
  Bindings* result = m.new_bindings(count + dynamic_count);
  result->pos = pos;
  Env* inner = env;
  if (recursive) {
    inner = m.new_env(env, count);
    defer_members(m, env, inner, inner->values);
    for (uint32_t i = 0; i < count; ++i) result->items[i] = {defs[i].name, defs[i].pos, inner->values[i]};
  } else if (source_count) {
    Value** slots = m.new_list(count);
    defer_members(m, env, env, slots);
    for (uint32_t i = 0; i < count; ++i) result->items[i] = {defs[i].name, defs[i].pos, slots[i]};
  } else {
    for (uint32_t i = 0; i < count; ++i) result->items[i] = {defs[i].name, defs[i].pos, defs[i].value->defer(m, env)};
  }
  result->size = count;

  if (has_overrides) { // rec { __overrides = { … }; }: they replace members, for the others to see
    const Value overrides = m.force(result->find(m.names.overrides)->value, pos);
    if (!overrides.is(Tag::attrs)) m.wrong_type(pos, "a set", overrides);
    std::vector<Attr> added;
    for (const Attr& attr : overrides.attrs()) {
      Attr* end = result->items + count;
      Attr* found = std::lower_bound(result->items, end, attr.name, [](const Attr& a, Symbol n) { return a.name < n; });
      if (found != end && found->name == attr.name) {
        inner->values[found - result->items] = attr.value;
        *found = attr;
      } else {
        added.push_back(attr);
      }
    }
    Bindings* merged = m.new_bindings(count + added.size() + dynamic_count);
    std::copy(result->begin(), result->end(), merged->items);
    std::ranges::copy(added, merged->items + count);
    merged->size = static_cast<uint32_t>(count + added.size());
    merged->pos = pos;
    Machine::sort(*merged);
    result = merged;
  }

  if (first_dynamic) {
    for (const DynamicAttrDef* def = first_dynamic; def; def = def->next) {
      const Symbol name = m.dynamic_name(def->name->eval(m, inner), def->pos);
      if (!name) continue; // ${null} leaves the attribute out
      const Attr* same = std::find_if(result->begin(), result->end(), [&](const Attr& a) { return a.name == name; });
      if (same != result->end())
        m.fail(ErrorKind::value, def->pos,
               "dynamic attribute '" + std::string{m.symbols.text(name)} + "' is already defined at " +
                   m.sources.resolve(same->pos).to_string());
      result->items[result->size++] = {name, def->pos, def->value->defer(m, inner)};
    }
    Machine::sort(*result);
  }
  return Value::of_attrs(result);
}

Value* AttrsExpr::defer(Machine& m, Env* env) const { return m.thunk(env, this); }

Value LetExpr::eval(Machine& m, Env* env) const {
  Env* inner = m.new_env(env, bindings->count);
  bindings->defer_members(m, env, inner, inner->values);
  return body->eval(m, inner);
}

static Symbol name_of(Machine& m, Env* env, const AttrName& name) {
  if (name.symbol) [[likely]]
    return name.symbol;
  const Symbol result = m.dynamic_name(name.expr->eval(m, env), name.pos);
  if (!result) m.wrong_type(name.pos, "a string", Value::of_null());
  return result;
}

Value SelectExpr::eval(Machine& m, Env* env) const {
  Value current = subject->eval(m, env);
  for (uint32_t i = 0; i < size; ++i) {
    const Symbol name = name_of(m, env, path[i]);
    if (!current.is(Tag::attrs)) {
      if (fallback) return fallback->eval(m, env);
      m.wrong_type(path[i].pos, "a set", current);
    }
    const Attr* attr = current.attrs().find(name);
    if (!attr) {
      if (fallback) return fallback->eval(m, env);
      std::vector<std::string_view> names;
      for (const Attr& a : current.attrs()) names.push_back(m.symbols.text(a.name));
      const std::string nearest = store::nearest_name(m.symbols.text(name), names);
      m.fail(ErrorKind::missing_attribute, path[i].pos, "attribute '" + std::string{m.symbols.text(name)} + "' missing",
             nearest.empty() ? "" : "did you mean '" + nearest + "'?");
    }
    if (attr->value->evaluated()) [[likely]] {
      current = *attr->value;
    } else {
      FrameGuard guard{m, attr->pos, "while evaluating the attribute ", m.symbols.text(name)};
      current = m.force_slowly(attr->value, path[i].pos);
      guard.done();
    }
  }
  return current;
}

Value HasAttrExpr::eval(Machine& m, Env* env) const {
  Value current = subject->eval(m, env);
  for (uint32_t i = 0; i < size; ++i) {
    if (!current.is(Tag::attrs)) return Value::of_boolean(false);
    const Attr* attr = current.attrs().find(name_of(m, env, path[i]));
    if (!attr) return Value::of_boolean(false);
    if (i + 1 < size) current = m.force(attr->value, path[i].pos);
  }
  return Value::of_boolean(true);
}

// --- functions

Value LambdaExpr::eval(Machine&, Env* env) const { return Value::make(Tag::lambda, env, this); }
Value* LambdaExpr::defer(Machine& m, Env* env) const { return m.box(eval(m, env)); }

Value CallExpr::eval(Machine& m, Env* env) const {
  const Value callee = function->eval(m, env);
  if (size == 1) [[likely]] {
    Value* argument = arguments[0]->defer(m, env);
    if (callee.is(Tag::lambda)) [[likely]]
      return m.call_lambda(callee, argument, pos);
    return m.apply(callee, &argument, 1, pos);
  }
  constexpr uint32_t kFew = 4; // on the stack; more is rare and goes to the arena
  Value* few[kFew];
  Value** values = size <= kFew ? few : m.new_list(size);
  for (uint32_t i = 0; i < size; ++i) values[i] = arguments[i]->defer(m, env);
  return m.apply(callee, values, size, pos);
}

Value WithExpr::eval(Machine& m, Env* env) const {
  Env* inner = m.new_env(env, 1);
  inner->values[0] = subject->defer(m, env);
  return body->eval(m, inner);
}

// --- conditions

static bool condition_of(Machine& m, Env* env, const Expr* expr) { return m.is_true(expr->eval(m, env), expr->pos); }

Value IfExpr::eval(Machine& m, Env* env) const {
  return condition_of(m, env, condition) ? then->eval(m, env) : otherwise->eval(m, env);
}

Value AssertExpr::eval(Machine& m, Env* env) const {
  if (!condition_of(m, env, condition)) {
    std::string text;
    if (const Source* source = m.sources.find(condition->pos)) {
      text = source->text.substr(pos.offset - source->base, end.offset - pos.offset);
      if (text.starts_with("assert")) text.erase(0, std::min(text.find_first_not_of(" \t\r\n", 6), text.size()));
      text.resize(text.find_last_not_of(" \t\r\n") + 1);
      if (text.size() > 200 || text.contains('\n')) text.clear();
    }
    m.fail(ErrorKind::assertion, pos, text.empty() ? "assertion failed" : "assertion '" + text + "' failed");
  }
  return body->eval(m, env);
}

Value NotExpr::eval(Machine& m, Env* env) const { return Value::of_boolean(!condition_of(m, env, operand)); }
Value ImpliesExpr::eval(Machine& m, Env* env) const {
  return Value::of_boolean(!condition_of(m, env, left) || condition_of(m, env, right));
}
Value OrExpr::eval(Machine& m, Env* env) const {
  return Value::of_boolean(condition_of(m, env, left) || condition_of(m, env, right));
}
Value AndExpr::eval(Machine& m, Env* env) const {
  return Value::of_boolean(condition_of(m, env, left) && condition_of(m, env, right));
}

// --- comparison

Value EqualExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(m.equal(a, right->eval(m, env), pos));
}
Value NotEqualExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(!m.equal(a, right->eval(m, env), pos));
}
static bool less(Machine& m, Value a, Value b, Pos pos) {
  if (a.is(Tag::integer) && b.is(Tag::integer)) [[likely]]
    return a.integer() < b.integer();
  return m.less(a, b, pos);
}
Value LessExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(less(m, a, right->eval(m, env), pos));
}
Value GreaterExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(less(m, right->eval(m, env), a, pos));
}
Value LessEqualExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(!less(m, right->eval(m, env), a, pos));
}
Value GreaterEqualExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return Value::of_boolean(!less(m, a, right->eval(m, env), pos));
}

// --- arithmetic. Integers wrap around, as two's complement does.

static int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
static int64_t wrap_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
static int64_t wrap_multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// Both operands as numbers: f(int64_t, int64_t) or f(double, double).
template <class F> static Value arithmetic(Machine& m, Value a, Value b, const Expr& left, const Expr& right, F f) {
  if (a.is(Tag::integer) && b.is(Tag::integer)) [[likely]]
    return Value::of_integer(f(a.integer(), b.integer()));
  const auto number = [&](Value v, Pos pos) {
    if (v.is(Tag::integer)) return static_cast<double>(v.integer());
    if (!v.is(Tag::floating)) m.wrong_type(pos, "a number", v);
    return v.floating();
  };
  const double x = number(a, left.pos);
  return Value::of_floating(f(x, number(b, right.pos)));
}

// The operand's value if it is an integer already, for arithmetic that needs no thunk.
static bool integer_at_hand(const Expr* expr, Machine& m, Env* env, int64_t& result) {
  if (const Value* constant = expr->as_constant()) {
    result = constant->integer();
    return constant->is(Tag::integer);
  }
  const Value* value = expr->at_hand(m, env);
  if (!value || !value->is(Tag::integer)) return false;
  result = value->integer();
  return true;
}
#define LANG_DEFER_ARITHMETIC(NAME, FUNCTION)                                                                          \
  Value* NAME::defer(Machine& m, Env* env) const {                                                                     \
    int64_t a, b;                                                                                                      \
    if (integer_at_hand(left, m, env, a) && integer_at_hand(right, m, env, b))                                         \
      return m.box(Value::of_integer(FUNCTION(a, b)));                                                                 \
    return m.thunk(env, this);                                                                                         \
  }
LANG_DEFER_ARITHMETIC(AddExpr, wrap_add)
LANG_DEFER_ARITHMETIC(SubtractExpr, wrap_subtract)
LANG_DEFER_ARITHMETIC(MultiplyExpr, wrap_multiply)
#undef LANG_DEFER_ARITHMETIC

const Value* NearSlotExpr::at_hand(Machine&, Env* env) const { return env->values[slot]; }
const Value* SlotExpr::at_hand(Machine&, Env* env) const {
  for (uint32_t i = level; i; --i) env = env->up;
  return env->values[slot];
}

Value SubtractExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return arithmetic(m, a, right->eval(m, env), *left, *right, [](auto x, auto y) {
    if constexpr (std::is_integral_v<decltype(x)>)
      return wrap_subtract(x, y);
    else
      return x - y;
  });
}
Value MultiplyExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return arithmetic(m, a, right->eval(m, env), *left, *right, [](auto x, auto y) {
    if constexpr (std::is_integral_v<decltype(x)>)
      return wrap_multiply(x, y);
    else
      return x * y;
  });
}
Value DivideExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  return arithmetic(m, a, right->eval(m, env), *left, *right, [&](auto x, auto y) {
    if (y == 0) m.fail(ErrorKind::arithmetic, pos, "division by zero");
    if constexpr (std::is_integral_v<decltype(x)>) {
      if (x == INT64_MIN && y == -1) m.fail(ErrorKind::arithmetic, pos, "overflow in integer division");
      return x / y;
    } else {
      return x / y;
    }
  });
}
Value NegateExpr::eval(Machine& m, Env* env) const {
  const Value v = operand->eval(m, env);
  if (v.is(Tag::integer)) return Value::of_integer(wrap_subtract(0, v.integer()));
  if (v.is(Tag::floating)) return Value::of_floating(0 - v.floating());
  m.wrong_type(operand->pos, "a number", v);
}
Value* NegateExpr::defer(Machine& m, Env* env) const {
  int64_t n;
  return integer_at_hand(operand, m, env, n) ? m.box(Value::of_integer(wrap_subtract(0, n))) : m.thunk(env, this);
}

// --- joining

// Texts one after the other: `+` on strings and paths, interpolation. The first piece decides what comes out.
namespace {
class Joiner {
public:
  Joiner(Machine& m, Pos pos, Tag first) : m_(m), pos_(pos), first_(first) {}
  void add(Value v, Pos pos) {
    const Coerce how = first_ == Tag::string ? Coerce::copy_to_store : Coerce::plain;
    const std::string_view piece = coerce(m_, v, pos, context_, how);
    size_ += piece.size();
    if (count_ < kFew) {
      few_[count_] = piece;
    } else {
      if (count_ == kFew) many_.assign(few_, few_ + kFew);
      many_.push_back(piece);
    }
    ++count_;
  }
  Value finish() {
    const std::string_view* pieces = count_ <= kFew ? few_ : many_.data();
    StringData* text = m_.new_text(size_);
    char* at = text->data;
    for (size_t i = 0; i < count_; ++i) {
      if (!pieces[i].empty()) std::memcpy(at, pieces[i].data(), pieces[i].size());
      at += pieces[i].size();
    }
    if (first_ != Tag::path) return Value::of_string(text, context_.finish(m_.arena));
    if (!context_.empty())
      m_.fail(ErrorKind::type, pos_, "a string that refers to a store path cannot be appended to a path");
    return m_.make_path(canonical_path(text->view()));
  }

private:
  static constexpr size_t kFew = 8;
  Machine& m_;
  Pos pos_;
  Tag first_;
  ContextBuilder context_;
  std::string_view few_[kFew];
  std::vector<std::string_view> many_;
  size_t count_ = 0, size_ = 0;
};

[[clang::noinline]] Value join_two(Machine& m, Value a, Value b, const AddExpr& expr) {
  Joiner joiner{m, expr.pos, a.tag()};
  joiner.add(a, expr.left->pos);
  joiner.add(b, expr.right->pos);
  return joiner.finish();
}
} // namespace

Value AddExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  const Value b = right->eval(m, env);
  if (a.is(Tag::integer) || a.is(Tag::floating)) {
    if (!b.is(Tag::integer) && !b.is(Tag::floating))
      m.fail(ErrorKind::type, right->pos, "cannot add " + m.describe_type(b) + " to " + m.describe_type(a));
    return arithmetic(m, a, b, *left, *right, [](auto x, auto y) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return wrap_add(x, y);
      else
        return x + y;
    });
  }
  return join_two(m, a, b, *this);
}

Value InterpolationExpr::eval(Machine& m, Env* env) const {
  Joiner joiner{m, pos, is_path ? Tag::path : Tag::string};
  for (uint32_t i = 0; i < size; ++i) joiner.add(parts[i]->eval(m, env), parts[i]->pos);
  return joiner.finish();
}

// --- lists

Value ListExpr::eval(Machine& m, Env* env) const {
  Value** values = m.new_list(size);
  for (uint32_t i = 0; i < size; ++i) values[i] = items[i]->defer(m, env);
  return Value::of_list(values, size);
}
Value* ListExpr::defer(Machine& m, Env* env) const {
  return size == 0 ? m.box(Value::of_list(nullptr, 0)) : m.thunk(env, this);
}

Value ConcatenateExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  if (!a.is(Tag::list)) m.wrong_type(left->pos, "a list", a);
  const Value b = right->eval(m, env);
  if (!b.is(Tag::list)) m.wrong_type(right->pos, "a list", b);
  const auto first = a.list(), second = b.list();
  if (first.empty()) return b;
  if (second.empty()) return a;
  Value** values = m.new_list(first.size() + second.size());
  std::ranges::copy(second, std::ranges::copy(first, values).out);
  return Value::of_list(values, first.size() + second.size());
}

// `//`: the right side wins. Both are sorted: one walk.
Value UpdateExpr::eval(Machine& m, Env* env) const {
  const Value a = left->eval(m, env);
  if (!a.is(Tag::attrs)) m.wrong_type(left->pos, "a set", a);
  const Value b = right->eval(m, env);
  if (!b.is(Tag::attrs)) m.wrong_type(right->pos, "a set", b);
  const Bindings& old = a.attrs();
  const Bindings& fresh = b.attrs();
  if (old.size == 0) return b;
  if (fresh.size == 0) return a;
  Bindings* result = m.new_bindings(size_t{old.size} + fresh.size);
  const Attr *i = old.begin(), *j = fresh.begin();
  Attr* out = result->items;
  while (i != old.end() && j != fresh.end()) {
    if (i->name == j->name) {
      *out++ = *j++;
      ++i;
    } else {
      *out++ = i->name < j->name ? *i++ : *j++;
    }
  }
  out = std::copy(i, old.end(), out);
  out = std::copy(j, fresh.end(), out);
  result->size = static_cast<uint32_t>(out - result->items);
  result->pos = fresh.pos;
  return Value::of_attrs(result);
}

} // namespace lang
