// The evaluator's engine room: its stack, its errors, values of a wanted type, making values. calls.cpp forces and
// calls.
#include "derivations/lang/machine.hpp"
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
EvalError out_of_memory(const EvalOptions& options) {
  const std::string limit =
      options.max_memory_bytes == ~uint64_t{0}
          ? " than there is"
          : " than the " + std::to_string(options.max_memory_bytes >> 20) + " MiB that it may have";
  return EvalError{ErrorKind::limit, "evaluation needs more memory" + limit, {}, "--eval-memory BYTES allows it more"};
}

} // namespace

Machine::Machine(EvalStore& s, EvalOptions o, const BuiltinTables& tables)
    : symbols(arena), store(s), options(std::move(o)), names(symbols), prefix(options.store_dir), files(*this) {
  options.max_stack_bytes = std::max(options.max_stack_bytes, kSmallestStack);
  arena.set_limit(options.max_memory_bytes);
  add_globals(tables);
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
  const double used_before_s = statistics.cpu_seconds;
  const int failure = pthread_create(
      &thread, &attributes,
      [](void* data) -> void* {
        auto& j = *static_cast<Job*>(data);
        const double start = thread_cpu_seconds();
        try {
          try {
            try {
              j.work(j.argument);
            } catch (const std::bad_alloc&) {
              throw out_of_memory(j.m.options);
            } catch (const std::length_error&) { // of a string or vector that no machine could hold
              throw out_of_memory(j.m.options);
            }
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
  if (failure == 0) wait_for(thread, used_before_s);
  on_stack_ = false;
  if (failure != 0)
    throw EvalError(ErrorKind::stack_overflow,
                    "cannot start the evaluator's thread: " + std::string{std::strerror(failure)});
  if (job.error) std::rethrow_exception(job.error);
}

void Machine::wait_for(pthread_t evaluation, double used_before_s) {
  constexpr auto kLookEvery = std::chrono::milliseconds{50};
  clockid_t clock{};
  const bool is_watched = options.max_time.count() > 0 && pthread_getcpuclockid(evaluation, &clock) == 0;
  if (!is_watched) {
    pthread_join(evaluation, nullptr);
    return;
  }
  timespec until{};
  do {
    timespec used{};
    if (clock_gettime(clock, &used) == 0 &&
        used_before_s + static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9 >=
            static_cast<double>(options.max_time.count())) {
      out_of_time_ = true;
      stack_limit_ = ~uintptr_t{0};
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += std::chrono::nanoseconds{kLookEvery}.count();
    if (until.tv_nsec >= 1'000'000'000) {
      until.tv_nsec -= 1'000'000'000;
      ++until.tv_sec;
    }
  } while (pthread_clockjoin_np(evaluation, nullptr, CLOCK_MONOTONIC, &until) == ETIMEDOUT);
}

// --- errors

void Machine::fail(ErrorKind kind, Pos pos, const std::string& message, std::string hint) const {
  throw EvalError(kind, message, sources.resolve(pos), std::move(hint));
}

void Machine::stack_overflow(Pos pos) const {
  if (out_of_time_)
    fail(ErrorKind::limit, pos, "evaluation took more than " + std::to_string(options.max_time.count()) + " s",
         "--eval-timeout SECONDS allows it more");
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

// --- the store, and what strings depend on

store::StorePath Machine::store_path_of(std::string_view path, Pos pos) const {
  if (!prefix.contains(path))
    fail(ErrorKind::value, pos, "the path '" + std::string{path} + "' is not in the store " + options.store_dir);
  auto place = prefix.split(path);
  if (!place) fail(ErrorKind::value, pos, place.error().describe("'" + std::string{path} + "'"));
  return std::move(place->path);
}

ContextElement Machine::context_element(Symbol element) const {
  auto parsed = ContextElement::parse(symbols.text(element), options.store_dir);
  if (!parsed) fail(ErrorKind::value, {}, parsed.error().describe(symbols.text(element)));
  return std::move(*parsed);
}

Value Machine::make_string(std::string_view text, const ContextElement& only) {
  ContextBuilder context;
  context.add(context_symbol(only));
  return make_string(text, context.finish(arena));
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
