// Forcing values and calling functions.
#include "derivations/lang/machine.hpp"
#include "store/base/suggest.hpp"

namespace lang {

// --- forcing

namespace {
// Puts a thunk back when its evaluation fails.
class Blackhole {
public:
  Blackhole(Value* value, const Expr* expr) : value_(value), saved_(*value) {
    *value = Value::make(Tag::blackhole, nullptr, expr);
  }
  ~Blackhole() {
    if (value_) *value_ = saved_;
  }
  Blackhole(const Blackhole&) = delete;
  Blackhole& operator=(const Blackhole&) = delete;
  Value settle(Value result) {
    *value_ = result;
    value_ = nullptr;
    return result;
  }

private:
  Value* value_;
  Value saved_;
};
} // namespace

Value Machine::force_slowly(Value* value, Pos pos) {
  check_stack(pos);
  if (value->is(Tag::thunk)) [[likely]] {
    Env* env = value->head_pointer<Env>();
    const auto* expr = value->pointer<const Expr>();
    Blackhole hole{value, expr};
    return hole.settle(expr->eval(*this, env));
  }
  if (value->is(Tag::apply)) {
    auto* function = value->head_pointer<Value>();
    auto* argument = value->pointer<Value>();
    Blackhole hole{value, nullptr};
    return hole.settle(apply(force(function, pos), &argument, 1, pos));
  }
  infinite_recursion(value, pos);
}

void Machine::force_deep(Value* value, Pos pos) {
  std::set<const void*> seen; // sets and lists can contain themselves
  const auto visit = [&](const auto& self, Value* v) -> void {
    check_stack(pos);
    const Value forced = force(v, pos);
    if (forced.is(Tag::attrs)) {
      if (!seen.insert(&forced.attrs()).second) return;
      for (const Attr& attr : forced.attrs()) {
        FrameGuard guard{*this, attr.pos, "while evaluating the attribute ", symbols.text(attr.name)};
        self(self, attr.value);
        guard.done();
      }
    } else if (forced.is(Tag::list) && forced.payload != 0) {
      if (!seen.insert(forced.list().data()).second) return;
      for (Value* item : forced.list()) self(self, item);
    }
  };
  visit(visit, value);
}

// --- calling

Value Machine::call_lambda(Value function, Value* argument, Pos pos) {
  check_stack(pos);
  ++statistics.calls;
  const auto& lambda = *function.pointer<const LambdaExpr>();
  Env* env = new_env(function.head_pointer<Env>(), lambda.slots());
  FrameGuard guard{*this, pos, "while calling ", lambda.name ? symbols.text(lambda.name) : "an anonymous function"};
  if (!lambda.has_pattern) {
    env->values[0] = argument;
  } else {
    const Value given = force(argument, pos);
    if (!given.is(Tag::attrs)) wrong_type(pos, "a set as argument", given);
    const Bindings& attrs = given.attrs();
    Value** slot = env->values;
    if (lambda.argument) *slot++ = argument;
    uint32_t used = 0;
    for (uint32_t i = 0; i < lambda.formal_count; ++i) {
      const Formal& formal = lambda.formals[i];
      if (const Attr* attr = attrs.find(formal.name)) {
        slot[i] = attr->value;
        ++used;
      } else if (!formal.fallback) {
        const std::string name{symbols.text(formal.name)};
        fail(ErrorKind::call, pos,
             (lambda.name ? "function '" + std::string{symbols.text(lambda.name)} + "'"
                          : std::string{"anonymous function"}) +
                 " at " + sources.resolve(lambda.pos).to_string() + " called without required argument '" + name + "'");
      }
    }
    for (uint32_t i = 0; i < lambda.formal_count; ++i) // once the others are there: defaults may refer to them
      if (!slot[i]) slot[i] = lambda.formals[i].fallback->defer(*this, env);
    if (!lambda.ellipsis && used != attrs.size) {
      for (const Attr& attr : attrs) {
        std::vector<std::string_view> known;
        bool expected = false;
        for (uint32_t i = 0; i < lambda.formal_count; ++i) {
          expected = expected || lambda.formals[i].name == attr.name;
          known.push_back(symbols.text(lambda.formals[i].name));
        }
        if (expected) continue;
        const std::string nearest = store::nearest_name(symbols.text(attr.name), known);
        fail(ErrorKind::call, pos,
             (lambda.name ? "function '" + std::string{symbols.text(lambda.name)} + "'"
                          : std::string{"anonymous function"}) +
                 " at " + sources.resolve(lambda.pos).to_string() + " called with unexpected argument '" +
                 std::string{symbols.text(attr.name)} + "'",
             nearest.empty() ? "" : "did you mean '" + nearest + "'?");
      }
    }
  }
  const Value result = lambda.body->eval(*this, env);
  guard.done();
  return result;
}

Value Machine::apply(Value function, Value* const* arguments, uint32_t count, Pos pos) {
  while (count > 0) {
    switch (function.tag()) {
    case Tag::lambda:
      function = call_lambda(function, arguments[0], pos);
      ++arguments;
      --count;
      break;
    case Tag::primop:
    case Tag::partial: {
      uint32_t used = 0;
      function = call_primop(function, arguments, count, used, pos);
      arguments += used;
      count -= used;
      break;
    }
    case Tag::attrs:
      if (function.attrs().find(names.functor)) return call_functor(function, arguments, count, pos);
      [[fallthrough]];
    default:
      fail(ErrorKind::type, pos, "attempt to call something which is not a function but " + describe_type(function));
    }
  }
  return function;
}

Value Machine::call_functor(Value function, Value* const* arguments, uint32_t count, Pos pos) {
  check_stack(pos);
  const Attr* functor = function.attrs().find(names.functor);
  Value* self = box(function);
  const Value bound = apply(force(functor->value, pos), &self, 1, pos);
  return apply(bound, arguments, count, pos);
}

// With as many arguments as it takes, from those already given and the new ones; or a partial application.
Value Machine::call_primop(Value function, Value* const* arguments, uint32_t count, uint32_t& used, Pos pos) {
  constexpr uint32_t kMaxArity = 4;
  Value* all[kMaxArity];
  uint32_t given = 0;
  Value head = function;
  for (; head.is(Tag::partial); head = *head.head_pointer<Value>()) ++given;
  const auto& primop = *head.pointer<const Primop>();
  used = std::min(count, primop.arity - given);
  if (given + used < primop.arity) {
    for (uint32_t i = 0; i < used; ++i) function = Value::make(Tag::partial, box(function), arguments[i]);
    return function;
  }
  for (uint32_t i = given; function.is(Tag::partial); function = *function.head_pointer<Value>())
    all[--i] = function.pointer<Value>();
  std::copy_n(arguments, used, all + given);
  ++statistics.primop_calls;
  FrameGuard guard{*this, pos, "while calling the builtin ", primop.name};
  const Value result = primop.function(*this, pos, all);
  guard.done();
  return result;
}

Value Machine::auto_call(Value value, const Bindings& arguments) {
  if (value.is(Tag::attrs) && value.attrs().find(names.functor)) {
    Value* self = box(value);
    return auto_call(apply(force(value.attrs().find(names.functor)->value), &self, 1, {}), arguments);
  }
  if (!value.is(Tag::lambda)) return value;
  const auto& lambda = *value.pointer<const LambdaExpr>();
  if (!lambda.has_pattern) return value;
  if (lambda.ellipsis) {
    Value* all = box(Value::of_attrs(&arguments));
    return apply(value, &all, 1, lambda.pos);
  }
  Bindings* chosen = new_bindings(lambda.formal_count);
  for (uint32_t i = 0; i < lambda.formal_count; ++i) {
    const Formal& formal = lambda.formals[i];
    if (const Attr* attr = arguments.find(formal.name)) {
      chosen->items[chosen->size++] = *attr;
    } else if (!formal.fallback) {
      const std::string name{symbols.text(formal.name)};
      fail(ErrorKind::call, formal.pos,
           "cannot evaluate a function that has an argument without a value ('" + name + "')",
           "pass it, or give it a default with '" + name + " ? …'");
    }
  }
  Value* argument = box(Value::of_attrs(chosen));
  return apply(value, &argument, 1, lambda.pos);
}

} // namespace lang
