// The evaluator's engine room: its stack, its errors, forcing and calling.
#include "derivations/lang/machine.hpp"
#include "store/base/suggest.hpp"
#include <cstdio>
#include <ctime>
#include <pthread.h>
#include <sys/mman.h>

namespace lang {

namespace {
// Stack left over for what does not check: nodes of one expression inside each other (at most Binder::kMaxDepth, which
// leaves 800 bytes for each), regexec, SQLite, unwinding.
constexpr size_t kRedZone = size_t{16} << 20;
constexpr size_t kSmallestStack = size_t{32} << 20;

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
} // namespace

Machine::Machine(EvalStore& s, EvalOptions o)
    : symbols(arena), store(s), options(std::move(o)),
      derivation_hashes_(
          [this](const store::StorePath& path) -> store::Result<store::Derivation> {
            try {
              return store.read_derivation(path);
            } catch (const store::UserError& error) {
              return std::unexpected(store::Error{store::ErrorCode::invalid, error.what(), store::kNoOffset});
            }
          },
          options.store_dir) {
  const auto name = [this](std::string_view text) { return symbols.intern(text); };
  names = {
      .type = name("type"),
      .out_path = name("outPath"),
      .drv_path = name("drvPath"),
      .output_name = name("outputName"),
      .name = name("name"),
      .value = name("value"),
      .functor = name("__functor"),
      .to_string = name("__toString"),
      .overrides = name("__overrides"),
      .recurse = name("recurseForDerivations"),
      .file = name("file"),
      .line = name("line"),
      .column = name("column"),
      .right = name("right"),
      .wrong = name("wrong"),
      .success = name("success"),
      .derivation = name("derivation"),
      .outputs = name("outputs"),
      .system = name("system"),
      .builder = name("builder"),
      .args = name("args"),
      .output_hash = name("outputHash"),
      .output_hash_algo = name("outputHashAlgo"),
      .output_hash_mode = name("outputHashMode"),
      .structured_attrs = name("__structuredAttrs"),
      .ignore_nulls = name("__ignoreNulls"),
      .content_addressed = name("__contentAddressed"),
      .impure = name("__impure"),
      .start_set = name("startSet"),
      .op = name("operator"),
      .key = name("key"),
      .path = name("path"),
      .prefix = name("prefix"),
      .filter = name("filter"),
      .recursive = name("recursive"),
      .sha256 = name("sha256"),
      .version = name("version"),
      .all_outputs = name("allOutputs"),
      .body = name("body"),
  };
  options.max_stack_bytes = std::max(options.max_stack_bytes, kSmallestStack);
  add_globals();
}

Machine::~Machine() {
  if (stack_) munmap(stack_, options.max_stack_bytes);
}

// --- the stack

// A thread of its own, because that is what debuggers, sanitizers and unwinders understand; the caller waits for it,
// so there is never more than one at work.
void Machine::run_on_stack(void (*work)(void*), void* argument) {
  if (on_stack_) {
    work(argument);
    return;
  }
  if (!stack_) {
    void* memory = mmap(nullptr, options.max_stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    mprotect(memory, 4096, PROT_NONE);
    stack_ = memory;
  }
  struct Job {
    Machine& m;
    void (*work)(void*);
    void* argument;
    std::exception_ptr error;
  } job{*this, work, argument, nullptr};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack_, options.max_stack_bytes);
  stack_limit_ = reinterpret_cast<uintptr_t>(stack_) + kRedZone;
  on_stack_ = true;
  forget_frames();
  pthread_t thread;
  const int failure = pthread_create(
      &thread, &attributes,
      [](void* data) -> void* {
        auto& j = *static_cast<Job*>(data);
        const double start = thread_cpu_seconds();
        try {
          try {
            j.work(j.argument);
          } catch (EvalError& error) {
            j.m.complete(error);
            throw;
          }
        } catch (...) {
          j.error = std::current_exception();
        }
        j.m.statistics.cpu_seconds += thread_cpu_seconds() - start;
        return nullptr;
      },
      &job);
  pthread_attr_destroy(&attributes);
  if (failure == 0) pthread_join(thread, nullptr);
  on_stack_ = false;
  if (failure != 0)
    throw EvalError(ErrorKind::stack_overflow,
                    "cannot start the evaluator's thread: " + std::string{std::strerror(failure)});
  if (job.error) std::rethrow_exception(job.error);
}

// --- errors

void Machine::fail(ErrorKind kind, Pos pos, std::string message, std::string hint) const {
  throw EvalError(kind, std::move(message), sources.resolve(pos), std::move(hint));
}

void Machine::stack_overflow(Pos pos) const {
  fail(ErrorKind::stack_overflow, pos, "stack overflow; possible infinite recursion",
       "the evaluator's stack has " + std::to_string(options.max_stack_bytes >> 20) + " MiB");
}

void Machine::wrong_type(Pos pos, std::string_view wanted, Value found) const {
  fail(ErrorKind::type, pos, "expected " + std::string{wanted} + " but found " + describe_type(found));
}

void Machine::infinite_recursion(const Value* value, Pos pos) {
  const auto* expr = value->pointer<const Expr>();
  fail(ErrorKind::infinite_recursion,
       pos    ? pos
       : expr ? expr->pos
              : Pos{},
       "infinite recursion encountered", "a value is needed to compute itself");
}

void Machine::note_frame(Pos pos, std::string_view what, std::string_view name) noexcept {
  if (pending_frames_.size() >= options.max_trace_frames) {
    ++dropped_frames_;
    return;
  }
  try {
    std::string text{what};
    if (!name.empty()) text.append("'").append(name).append("'");
    if (!pending_frames_.empty() && pending_frames_.back().first == pos && pending_frames_.back().second == text) {
      ++dropped_frames_; // the same call again and again
      return;
    }
    pending_frames_.emplace_back(pos, std::move(text));
  } catch (const std::bad_alloc&) {
    ++dropped_frames_; // the error itself matters more
  }
}

void Machine::complete(EvalError& error) {
  for (auto& [pos, text] : pending_frames_) error.add_frame({sources.resolve(pos), std::move(text)});
  for (uint64_t i = 0; i < dropped_frames_; ++i) error.drop_frame();
  forget_frames();
}

std::string Machine::describe_type(Value v) const {
  switch (v.tag()) {
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: return "an unevaluated value";
  case Tag::integer: return "an integer";
  case Tag::floating: return "a float";
  case Tag::boolean: return "a Boolean";
  case Tag::null: return "null";
  case Tag::string: return v.context() ? "a string with context" : "a string";
  case Tag::path: return "a path";
  case Tag::attrs: return "a set";
  case Tag::list: return "a list";
  case Tag::lambda: return "a function";
  case Tag::primop: return "the built-in function '" + std::string{v.pointer<Primop>()->name} + "'";
  case Tag::partial: {
    while (v.is(Tag::partial)) v = *v.head_pointer<Value>();
    return "the partially applied built-in function '" + std::string{v.pointer<Primop>()->name} + "'";
  }
  }
  return "a value";
}

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

// --- values of a wanted type

int64_t Machine::to_integer(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (!value.is(Tag::integer)) wrong_type(pos, "an integer", value);
  return value.integer();
}

double Machine::to_floating(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (value.is(Tag::integer)) return static_cast<double>(value.integer());
  if (!value.is(Tag::floating)) wrong_type(pos, "a number", value);
  return value.floating();
}

bool Machine::to_boolean(Value* v, Pos pos) { return is_true(force(v, pos), pos); }

std::string_view Machine::to_string(Value* v, Pos pos, ContextBuilder* context) {
  const Value value = force(v, pos);
  if (!value.is(Tag::string)) wrong_type(pos, "a string", value);
  if (context) context->add(value.context());
  return value.string();
}

std::string_view Machine::to_plain_string(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (!value.is(Tag::string)) wrong_type(pos, "a string", value);
  if (value.context())
    fail(ErrorKind::value, pos,
         "the string '" + std::string{value.string()} + "' is not allowed to refer to a store path (such as '" +
             std::string{symbols.text(value.context()->elements[0])} + "')");
  return value.string();
}

std::span<Value* const> Machine::to_list(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (!value.is(Tag::list)) wrong_type(pos, "a list", value);
  return value.list();
}

const Bindings& Machine::to_attrs(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (!value.is(Tag::attrs)) wrong_type(pos, "a set", value);
  return value.attrs();
}

Value Machine::to_function(Value* v, Pos pos) {
  const Value value = force(v, pos);
  if (value.tag() >= Tag::lambda || (value.is(Tag::attrs) && value.attrs().find(names.functor))) return value;
  wrong_type(pos, "a function", value);
}

const Attr& Machine::need_attr(const Bindings& attrs, Symbol name, Pos pos, std::string_view what) {
  if (const Attr* attr = attrs.find(name)) return *attr;
  fail(ErrorKind::missing_attribute, pos,
       "attribute '" + std::string{symbols.text(name)} + "' missing in " + std::string{what});
}

Symbol Machine::dynamic_name(Value v, Pos pos) {
  if (v.is(Tag::null)) return {};
  if (!v.is(Tag::string)) wrong_type(pos, "a string", v);
  if (v.context())
    fail(ErrorKind::value, pos,
         "the string '" + std::string{v.string()} + "' is not allowed to refer to a store path (such as '" +
             std::string{symbols.text(v.context()->elements[0])} + "')");
  return symbols.intern(v.string());
}

// --- making values

void Machine::sort(Bindings& bindings) {
  std::sort(bindings.items, bindings.items + bindings.size,
            [](const Attr& a, const Attr& b) { return a.name < b.name; });
}

Value* Machine::symbol_string(Symbol name) {
  Value*& cached = symbols.string_value(name);
  if (!cached) cached = box(make_string(symbols.text(name)));
  return cached;
}

std::vector<const Attr*> Machine::by_name(const Bindings& bindings) const {
  std::vector<const Attr*> result;
  result.reserve(bindings.size);
  for (const Attr& attr : bindings) result.push_back(&attr);
  std::ranges::sort(result, {}, [this](const Attr* attr) { return symbols.text(attr->name); });
  return result;
}

} // namespace lang
