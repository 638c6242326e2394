// From text to a bound syntax tree.
//
// Recursive descent with precedence climbing, one token ahead. Duplicate attributes, duplicate formals, dynamic
// attributes in let and undefined variables are errors here, before anything is evaluated.
#pragma once
#include "derivations/lang/expr.hpp"
#include "derivations/lang/source.hpp"
#include <map>
#include <string>

namespace lang {

// What is in scope outside of the text: scopedImport's names, which may hide the global ones.
using ScopedNames = std::map<Symbol, Value*>;

// `base_dir`: absolute; relative paths in the text start there. Must run on the evaluator's stack (Machine::run).
[[nodiscard]] Expr* parse(Machine& m, const Source& source, const std::string& base_dir,
                          const ScopedNames* scoped = nullptr);

// --- binding (scope.cpp)
enum class ScopeKind : uint8_t { attrs, lambda, with, sources };
struct Scope {
  const Scope* up;
  ScopeKind kind;
  const Expr* node;
};
class Binder {
public:
  Binder(Machine& m, const ScopedNames* scoped) : machine(m), scoped_(scoped) {}
  [[nodiscard]] Expr* variable(Pos pos, Symbol name, const Scope* scope);
  void bind(Expr*& expr, const Scope* scope);
  Machine& machine;
  // Nodes inside each other, beyond which a text is refused: evaluation of one node inside another does not check the
  // stack, only calls and thunks do.
  static constexpr uint32_t kMaxDepth = 20000;

private:
  uint32_t depth_ = 0;
  const ScopedNames* scoped_;
};

} // namespace lang
