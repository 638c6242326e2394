// The public face of the Nix language: evaluate text or a file, look at the result.
//
// The language is Nix's (manual: "Nix language"), as of 2.8 with the additions up to 2.18. Evaluation is lazy and has
// no effects but adding sources, texts and derivations to an EvalStore. Errors are lang::EvalError.
//
// Values belong to the Evaluator's arena and live as long as it. One Evaluator per thread. Deep recursion runs on a
// stack of the evaluator's own (EvalOptions::max_stack_bytes): running out of it is an EvalError, not a crash.
#pragma once
#include "derivations/lang/context_element.hpp"
#include "derivations/lang/errors.hpp"
#include "derivations/lang/eval_options.hpp"
#include "derivations/lang/eval_store.hpp"
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lang {

struct Value;
struct Machine;

struct DerivationInfo {
  std::string name;
  store::StorePath drv_path;
  std::map<std::string, store::StorePath> outputs; // all of the derivation's
  std::string output_name;                         // the selected one: "out" of `drv`, "dev" of `drv.dev`
};

enum class ValueType : uint8_t { integer, floating, boolean, null, string, path, attrs, list, function };

class Evaluator {
public:
  explicit Evaluator(EvalStore& store, EvalOptions options = {});
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // --- evaluate. Results are in weak head normal form.
  Value* eval_string(std::string_view text, const std::filesystem::path& base_dir, std::string_view name = "«string»");
  Value* eval_file(const std::filesystem::path& path); // a folder means its default.nix
  Value* call(Value* function, Value* argument);
  // Calls a function of the form { a, b ? …, … }: with those of `arguments` that it names; other values are returned.
  Value* auto_call(Value* value, const std::map<std::string, Value*>& arguments);
  // «a.b."c d".0»: attribute names and list indices; functions met on the way are called by auto_call.
  Value* select(Value* value, std::string_view attribute_path, const std::map<std::string, Value*>& arguments = {});
  ValueType force(Value* value);
  void force_deep(Value* value);

  // --- look at a value (forces it; an EvalError of kind `type` if it is something else)
  [[nodiscard]] ValueType type(Value* value) { return force(value); }
  [[nodiscard]] int64_t integer(Value* value);
  [[nodiscard]] double floating(Value* value);
  [[nodiscard]] bool boolean(Value* value);
  [[nodiscard]] std::string string(Value* value);                      // a string, whatever its context
  [[nodiscard]] std::set<ContextElement> string_context(Value* value); // what a string depends on
  [[nodiscard]] std::filesystem::path path(Value* value);
  [[nodiscard]] std::span<Value* const> list(Value* value);
  [[nodiscard]] std::vector<std::string> attribute_names(Value* value);       // sorted
  [[nodiscard]] Value* attribute(Value* value, std::string_view name);        // null if absent
  [[nodiscard]] std::map<std::string, bool> function_arguments(Value* value); // name → has a default
  // A set with type = "derivation"; none for any other value.
  [[nodiscard]] std::optional<DerivationInfo> derivation(Value* value);

  // --- print. `deep` forces everything and prints as `nix-instantiate --eval --strict` does; else unevaluated parts
  // are «<CODE>».
  [[nodiscard]] std::string print(Value* value, bool deep = true);
  // Compact JSON, as builtins.toJSON. Adds to `context`, if given, what the strings in it depend on.
  [[nodiscard]] std::string to_json(Value* value, std::set<ContextElement>* context = nullptr);

  // --- make values
  [[nodiscard]] Value* make_integer(int64_t number);
  [[nodiscard]] Value* make_floating(double number);
  [[nodiscard]] Value* make_boolean(bool value);
  [[nodiscard]] Value* make_null();
  [[nodiscard]] Value* make_string(std::string_view text, const std::set<ContextElement>& context = {});
  [[nodiscard]] Value* make_path(const std::filesystem::path& path);
  [[nodiscard]] Value* make_list(std::span<Value* const> items);
  [[nodiscard]] Value* make_attrs(const std::map<std::string, Value*>& attributes);

  [[nodiscard]] EvalStatistics statistics() const;

private:
  std::unique_ptr<Machine> machine_;
};

// One builtin as the manual shows it.
struct BuiltinDoc {
  std::string_view name;
  std::vector<std::string_view> arguments; // empty: a constant
  std::string_view text;
};
[[nodiscard]] std::vector<BuiltinDoc> builtin_docs(); // sorted by name

} // namespace lang
