// The public face of the Nix language: evaluate text or a file, look at the result.
//
// The language is Nix's (manual: "Nix language"), as of 2.8 with the additions up to 2.18. Evaluation is lazy and has
// no effects but adding sources, texts and derivations to an EvalStore. Errors are lang::EvalError.
//
// Values belong to the Evaluator's arena and live as long as it. One Evaluator per thread. Deep recursion runs on a
// stack of the evaluator's own (EvalOptions::max_stack_bytes): running out of it is an EvalError, not a crash.
#pragma once
#include "derivations/lang/errors.hpp"
#include "store/local/local_store.hpp"
#include <filesystem>
#include <functional>
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

// What evaluation needs of a store. All paths are logical; `physical` says where the file really is.
class EvalStore {
public:
  virtual ~EvalStore() = default;
  virtual store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                                      const store::PathFilter& filter) = 0;
  virtual store::StorePath add_text(std::string_view name, std::string_view contents,
                                    const store::StorePathSet& references) = 0;
  virtual store::StorePath add_derivation(const store::Derivation& derivation) = 0;
  [[nodiscard]] virtual store::Derivation read_derivation(const store::StorePath& drv_path) = 0;
  [[nodiscard]] virtual bool is_valid(const store::StorePath& path) = 0;
  [[nodiscard]] virtual std::filesystem::path physical(const store::StorePath& path) = 0;
  // Contents of a text path that has no file (MemoryEvalStore).
  [[nodiscard]] virtual std::optional<std::string> text(const store::StorePath& path) = 0;
  // What a valid path refers to.
  [[nodiscard]] virtual store::StorePathSet references(const store::StorePath& path) = 0;
  // Builds, so that the outputs are valid: import from derivation.
  virtual void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) = 0;
};

// Writes through to a local store. `realise_hook` builds; without one, import from derivation is a clear error.
class LocalEvalStore final : public EvalStore {
public:
  using RealiseHook = std::function<void(const store::StorePath& drv_path, const std::set<std::string>& outputs)>;
  explicit LocalEvalStore(store::LocalStore& store, RealiseHook realise_hook = {});
  store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                              const store::PathFilter& filter) override;
  store::StorePath add_text(std::string_view name, std::string_view contents,
                            const store::StorePathSet& references) override;
  store::StorePath add_derivation(const store::Derivation& derivation) override;
  store::Derivation read_derivation(const store::StorePath& drv_path) override;
  bool is_valid(const store::StorePath& path) override;
  std::filesystem::path physical(const store::StorePath& path) override;
  std::optional<std::string> text(const store::StorePath& path) override;
  store::StorePathSet references(const store::StorePath& path) override;
  void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) override;

private:
  store::LocalStore& store_;
  RealiseHook realise_hook_;
};

// Computes the same paths and writes nothing: `kpkg eval`, tests.
class MemoryEvalStore final : public EvalStore {
public:
  explicit MemoryEvalStore(std::string store_dir = std::string{store::kStoreDir});
  store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                              const store::PathFilter& filter) override;
  store::StorePath add_text(std::string_view name, std::string_view contents,
                            const store::StorePathSet& references) override;
  store::StorePath add_derivation(const store::Derivation& derivation) override;
  store::Derivation read_derivation(const store::StorePath& drv_path) override;
  bool is_valid(const store::StorePath& path) override;
  std::filesystem::path physical(const store::StorePath& path) override; // of a source: where it came from
  std::optional<std::string> text(const store::StorePath& path) override;
  store::StorePathSet references(const store::StorePath& path) override;
  void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) override; // always an error

  [[nodiscard]] const std::map<store::StorePath, store::Derivation>& derivations() const { return derivations_; }

private:
  std::string store_dir_;
  std::map<store::StorePath, std::filesystem::path> sources_;
  struct Text {
    std::string contents;
    store::StorePathSet references;
  };
  std::map<store::StorePath, Text> texts_;
  std::map<store::StorePath, store::Derivation> derivations_;
};

struct EvalOptions {
  // Pure: no environment variables, no current time or system, no ~/ paths, no <…> but those of `search_path`.
  bool pure = true;
  // <NAME> and <NAME/rest>: name and folder or file; an empty name searches the folder's entries. First match wins.
  std::vector<std::pair<std::string, std::filesystem::path>> search_path;
  // Files that are part of the program: canonical absolute path → text, which must outlive the evaluator. Seen before
  // the disk by whatever reads, lists or imports; they cannot be copied to the store.
  std::map<std::string, std::string_view> embedded_files{};
  std::string store_dir = std::string{store::kStoreDir};
  std::string current_system = "x86_64-linux";          // builtins.currentSystem, only if not pure
  size_t max_stack_bytes = size_t{256} << 20;           // reserved, not used until needed
  size_t max_trace_frames = 12;                         // kept of an error's trace, innermost ones
  std::function<void(std::string_view)> trace_output{}; // builtins.trace; default: "trace: …" on standard error
};

struct EvalStatistics {
  uint64_t calls = 0;        // of functions written in the language
  uint64_t primop_calls = 0; // of builtins
  uint64_t thunks = 0;       // made
  uint64_t symbols = 0;
  uint64_t allocated_bytes = 0;
  double cpu_seconds = 0; // in the evaluator since it was made
};

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
  [[nodiscard]] std::string string(Value* value);                   // a string, whatever its context
  [[nodiscard]] std::set<std::string> string_context(Value* value); // «/store/…», «!out!/store/….drv», «=/store/….drv»
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
  [[nodiscard]] std::string to_json(Value* value, std::set<std::string>* context = nullptr);

  // --- make values
  [[nodiscard]] Value* make_integer(int64_t number);
  [[nodiscard]] Value* make_floating(double number);
  [[nodiscard]] Value* make_boolean(bool value);
  [[nodiscard]] Value* make_null();
  [[nodiscard]] Value* make_string(std::string_view text, const std::set<std::string>& context = {});
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
