// The evaluator's state and the operations that syntax nodes and builtins share. Internal to derivations/lang; the
// public face is evaluator.hpp.
//
// Invariants: a thunk is blackholed while it is evaluated and restored when that fails, so that a second attempt fails
// in the same way. Everything recursive calls check_stack. Exceptions pass through frames without being caught, but
// for guards that note trace frames (`pending_frames_`), attached to the error where it leaves (run) and forgotten
// where it is swallowed (tryEval).
#pragma once
#include "derivations/lang/context_element.hpp"
#include "derivations/lang/errors.hpp"
#include "derivations/lang/eval_options.hpp"
#include "derivations/lang/eval_store.hpp"
#include "derivations/lang/expr.hpp"
#include "derivations/lang/files.hpp"
#include "derivations/lang/names.hpp"
#include "derivations/lang/primop.hpp"
#include "derivations/lang/source.hpp"
#include "derivations/lang/store_prefix.hpp"
#include "derivations/lang/string_context.hpp"
#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <pthread.h>
#include <unordered_map>

namespace lang {

struct Machine {
  Machine(EvalStore& store, EvalOptions options, const BuiltinTables& builtins);
  ~Machine();

  Arena arena;
  SymbolTable symbols;
  SourceMap sources;
  EvalStore& store;
  EvalOptions options;
  EvalStatistics statistics;

  Names names;
  StorePrefix prefix;
  Files files;

  // --- the stack
  // Runs `work` on the evaluator's stack (at once if this already is it), and completes errors that leave it.
  template <class F> decltype(auto) run(F&& work) {
    using Result = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<Result>) {
      run_on_stack([](void* f) { (*static_cast<std::remove_reference_t<F>*>(f))(); }, &work);
    } else {
      struct Box {
        F& work;
        std::optional<Result> result;
      } box{work, {}};
      run_on_stack([](void* b) { static_cast<Box*>(b)->result.emplace(static_cast<Box*>(b)->work()); }, &box);
      return Result{std::move(*box.result)};
    }
  }
  void check_stack(Pos pos) const {
    // Also how a thread that watches stops this one: it moves the limit.
    if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < stack_limit_.load(std::memory_order_relaxed))
        [[unlikely]]
      stack_overflow(pos);
  }

  // --- errors
  [[noreturn]] void fail(ErrorKind kind, Pos pos, const std::string& message, std::string hint = {}) const;
  [[noreturn]] void stack_overflow(Pos pos) const;
  [[noreturn]] void wrong_type(Pos pos, std::string_view wanted, Value found) const;
  void note_frame(Pos pos, std::string_view what, std::string_view name = {}) noexcept; // while an exception passes
  void forget_frames() {
    pending_frames_.clear();
    dropped_frames_ = 0;
  }

  // --- evaluation
  [[nodiscard]] Value force(Value* value, Pos pos = {}) {
    if (value->evaluated()) [[likely]]
      return *value;
    return force_slowly(value, pos);
  }
  [[nodiscard]] Value force_slowly(Value* value, Pos pos);
  [[nodiscard]] Value apply(Value function, Value* const* arguments, uint32_t count, Pos pos);
  [[nodiscard]] Value apply(Value* function, Value* argument, Pos pos) {
    return apply(force(function, pos), &argument, 1, pos);
  }
  [[nodiscard]] Value apply(Value* function, Value* a, Value* b, Pos pos) {
    Value* arguments[] = {a, b};
    return apply(force(function, pos), arguments, 2, pos);
  }
  [[nodiscard]] Value call_lambda(Value function, Value* argument, Pos pos);
  [[nodiscard]] Value auto_call(Value value, const Bindings& arguments);
  void force_deep(Value* value, Pos pos);

  // --- values of a wanted type, or an EvalError of kind `type`
  [[nodiscard]] int64_t to_integer(Value* v, Pos pos);
  [[nodiscard]] double to_floating(Value* v, Pos pos); // of integers too
  [[nodiscard]] bool to_boolean(Value* v, Pos pos);
  [[nodiscard]] bool is_true(Value v, Pos pos) const {
    if (!v.is(Tag::boolean)) [[unlikely]]
      wrong_type(pos, "a Boolean", v);
    return v.boolean();
  }
  [[nodiscard]] std::string_view to_string(Value* v, Pos pos, ContextBuilder* context); // context is lost if null
  [[nodiscard]] std::string_view to_plain_string(Value* v, Pos pos);                    // must have no context
  [[nodiscard]] std::span<Value* const> to_list(Value* v, Pos pos);
  [[nodiscard]] const Bindings& to_attrs(Value* v, Pos pos);
  [[nodiscard]] Value to_function(Value* v, Pos pos);
  [[nodiscard]] const Attr& need_attr(const Bindings& attrs, Symbol name, Pos pos, std::string_view what);
  [[nodiscard]] Symbol dynamic_name(Value v, Pos pos); // of ${…} in an attribute path; no symbol for null

  // --- comparison (compare.cpp)
  [[nodiscard]] bool equal(Value a, Value b, Pos pos);
  [[nodiscard]] bool equal(Value* a, Value* b, Pos pos) { return a == b || equal(force(a, pos), force(b, pos), pos); }
  [[nodiscard]] bool less(Value a, Value b, Pos pos);
  [[nodiscard]] bool is_derivation(Value v, Pos pos);

  // --- making values
  [[nodiscard]] Value* box(Value v) {
    auto* result = static_cast<Value*>(arena.allocate(sizeof(Value)));
    *result = v;
    return result;
  }
  [[nodiscard]] Value* thunk(Env* env, const Expr* expr) {
    ++statistics.thunks;
    return box(Value::make(Tag::thunk, env, expr));
  }
  [[nodiscard]] Value* later(Value* function, Value* argument) { // a call not made yet
    ++statistics.thunks;
    return box(Value::make(Tag::apply, function, argument));
  }
  [[nodiscard]] StringData* make_text(std::string_view text) {
    StringData* data = new_text(text.size());
    if (!text.empty()) std::memcpy(data->data, text.data(), text.size());
    return data;
  }
  [[nodiscard]] StringData* new_text(size_t size) { // to be filled in
    auto* data = static_cast<StringData*>(arena.allocate(sizeof(StringData) + size + 1));
    data->size = size;
    return data;
  }
  [[nodiscard]] Value make_string(std::string_view text, const Context* context = nullptr) {
    return Value::of_string(make_text(text), context);
  }
  [[nodiscard]] Value make_path(std::string_view canonical) { return Value::of_path(make_text(canonical)); }
  [[nodiscard]] Env* new_env(Env* up, uint32_t slots) {
    auto* env = static_cast<Env*>(arena.allocate(sizeof(Env) + slots * sizeof(Value*)));
    env->up = up;
    return env;
  }
  [[nodiscard]] Value** new_list(size_t size) { return arena.allocate_array<Value*>(size); }
  [[nodiscard]] Bindings* new_bindings(size_t capacity) { // fill items, then set size
    if (capacity > UINT32_MAX) fail(ErrorKind::value, {}, "a set cannot have more than 4294967295 attributes");
    return static_cast<Bindings*>(arena.allocate(sizeof(Bindings) + capacity * sizeof(Attr)));
  }
  static void sort(Bindings& bindings);
  [[nodiscard]] Value* symbol_string(Symbol name);                                // the string value of a name, shared
  [[nodiscard]] std::vector<const Attr*> by_name(const Bindings& bindings) const; // in the order of names

  // --- globals
  [[nodiscard]] Value* global(Symbol name) const {
    const auto found = globals_.find(name.id);
    return found == globals_.end() ? nullptr : found->second;
  }
  [[nodiscard]] std::vector<std::string_view> global_names() const;
  [[nodiscard]] Value* builtins() const { return builtins_; }

  // --- the store
  // The store path that `path` is or lies in; an EvalError where it lies in none.
  [[nodiscard]] store::StorePath store_path_of(std::string_view path, Pos pos) const;
  [[nodiscard]] std::string full(const store::StorePath& path) const { return prefix.full(path); }
  // Calls `work`; a UserError becomes an EvalError at `pos`, but for those that say more than the place would: the
  // failure of a build (import from derivation), and an EvalError of what `work` evaluated.
  template <class F> decltype(auto) with_store(Pos pos, F&& work) {
    try {
      return work();
    } catch (const store::UserError& error) {
      using enum store::UserErrorCode;
      if (error.code() == build || error.code() == evaluation || error.code() == interrupted) throw;
      fail(ErrorKind::store, pos, error.what(), error.hint());
    }
  }

  // --- what strings depend on
  [[nodiscard]] ContextElement context_element(Symbol element) const; // of a Context, a ContextBuilder
  [[nodiscard]] Symbol context_symbol(const ContextElement& element) {
    return symbols.intern(element.text(options.store_dir));
  }
  // A string that depends on `only`.
  [[nodiscard]] Value make_string(std::string_view text, const ContextElement& only);

  // Compiled regular expressions (builtins/regex.cpp), by pattern.
  std::unordered_map<std::string, std::shared_ptr<void>> regexes;
  uint64_t regex_states = 0; // of all of them

  // --- printing (print.cpp)
  void print(std::string& out, Value v, std::set<const void*>& seen);
  [[nodiscard]] std::string describe_type(Value v) const; // «a string», «the built-in function 'map'»

private:
  void run_on_stack(void (*work)(void*), void* argument);
  // And stops it where that makes more than options.max_time, with what earlier ones have used.
  void wait_for(pthread_t evaluation, double used_before_s);
  void complete(EvalError& error);
  void add_globals(const BuiltinTables& tables);
  [[noreturn]] void infinite_recursion(const Value* value, Pos pos);
  [[nodiscard]] Value call_primop(Value function, Value* const* arguments, uint32_t count, uint32_t& used, Pos pos);
  [[nodiscard]] Value call_functor(Value function, Value* const* arguments, uint32_t count, Pos pos);

  std::atomic<uintptr_t> stack_limit_ = 0;
  std::atomic<bool> out_of_time_ = false;
  void* stack_ = nullptr;
  bool on_stack_ = false;
  std::vector<std::pair<Pos, std::string>> pending_frames_;
  uint64_t dropped_frames_ = 0;
  std::unordered_map<uint32_t, Value*> globals_; // by symbol
  Value* builtins_ = nullptr;
};

// Notes a trace frame when an exception passes.
class FrameGuard {
public:
  FrameGuard(Machine& m, Pos pos, std::string_view what, std::string_view name = {})
      : m_(m), pos_(pos), what_(what), name_(name) {}
  ~FrameGuard() {
    if (!done_) m_.note_frame(pos_, what_, name_);
  }
  FrameGuard(const FrameGuard&) = delete;
  FrameGuard& operator=(const FrameGuard&) = delete;
  void done() { done_ = true; }

private:
  Machine& m_;
  Pos pos_;
  std::string_view what_, name_;
  bool done_ = false;
};

} // namespace lang
