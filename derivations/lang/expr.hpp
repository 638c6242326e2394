// The syntax tree, after parsing with names, after binding with every variable resolved to how many scopes up and
// which slot. Nodes live in the arena, are built once, and evaluate themselves.
//
// eval: the value in weak head normal form. defer: a value for later, a thunk unless something cheaper will do (a
// constant, a variable's own value, a lambda, integer arithmetic whose operands are there and that cannot fail).
// bind: resolves the variables of the node and returns the node to use in its place.
#pragma once
#include "derivations/lang/value.hpp"

namespace lang {

struct Machine;
struct Scope;
class Binder;
struct AttrsExpr;

struct Expr {
  Pos pos;
  [[nodiscard]] virtual Value eval(Machine& m, Env* env) const = 0;
  [[nodiscard]] virtual Value* defer(Machine& m, Env* env) const;
  [[nodiscard]] virtual Expr* bind(Binder& binder, const Scope* scope) = 0;
  // The name of the variable that a lambda is bound to, for traces.
  virtual void set_name(Symbol) {}
  // For the parser: a set into which later attributes may be merged; a literal.
  [[nodiscard]] virtual AttrsExpr* as_set() { return nullptr; }
  [[nodiscard]] virtual const Value* as_constant() const { return nullptr; }
  // The value of a variable as it stands, evaluated or not; null for other nodes.
  [[nodiscard]] virtual const Value* at_hand(Machine&, Env*) const { return nullptr; }

protected:
  explicit Expr(Pos p) : pos(p) {}
  ~Expr() = default;
};

#define LANG_EXPR_METHODS                                                                                              \
  [[nodiscard]] Value eval(Machine& m, Env* env) const override;                                                       \
  [[nodiscard]] Expr* bind(Binder& binder, const Scope* scope) override;
#define LANG_EXPR_DEFER [[nodiscard]] Value* defer(Machine& m, Env* env) const override;

// A literal, or a global name after binding.
struct ConstantExpr final : Expr {
  mutable Value value; // shared with everything that defers it; never changes
  ConstantExpr(Pos p, Value v) : Expr(p), value(v) {}
  LANG_EXPR_METHODS
  [[nodiscard]] const Value* as_constant() const override { return &value; }
  LANG_EXPR_DEFER
};

// A global whose value is made when first needed (derivation), or any value shared by pointer.
struct SharedExpr final : Expr {
  Value* value;
  SharedExpr(Pos p, Value* v) : Expr(p), value(v) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
};

struct VariableExpr final : Expr { // only before binding
  Symbol name;
  VariableExpr(Pos p, Symbol n) : Expr(p), name(n) {}
  LANG_EXPR_METHODS
};

struct SlotExpr final : Expr { // a variable `level` environments up
  Symbol name;
  uint32_t level;
  uint32_t slot;
  SlotExpr(Pos p, Symbol n, uint32_t l, uint32_t s) : Expr(p), name(n), level(l), slot(s) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
  [[nodiscard]] const Value* at_hand(Machine& m, Env* env) const override;
};
struct NearSlotExpr final : Expr { // level 0
  Symbol name;
  uint32_t slot;
  NearSlotExpr(Pos p, Symbol n, uint32_t s) : Expr(p), name(n), slot(s) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
  [[nodiscard]] const Value* at_hand(Machine& m, Env* env) const override;
};

struct WithExpr;
struct WithVariableExpr final : Expr { // looked up in the enclosing `with`s, innermost first
  Symbol name;
  uint32_t level; // of the innermost
  const WithExpr* with;
  WithVariableExpr(Pos p, Symbol n, uint32_t l, const WithExpr* w) : Expr(p), name(n), level(l), with(w) {}
  LANG_EXPR_METHODS
};

struct AttrName { // one step of an attribute path: a symbol, or an expression for one
  Symbol symbol;
  Pos pos;
  Expr* expr;
};

struct SelectExpr final : Expr {
  Expr* subject;
  AttrName* path;
  uint32_t size;
  Expr* fallback; // of `or`; may be null
  SelectExpr(Pos p, Expr* s, AttrName* a, uint32_t n, Expr* f) : Expr(p), subject(s), path(a), size(n), fallback(f) {}
  LANG_EXPR_METHODS
};

struct HasAttrExpr final : Expr {
  Expr* subject;
  AttrName* path;
  uint32_t size;
  HasAttrExpr(Pos p, Expr* s, AttrName* a, uint32_t n) : Expr(p), subject(s), path(a), size(n) {}
  LANG_EXPR_METHODS
};

enum class AttrKind : uint8_t {
  plain,          // in the set's own scope (rec, let), else the surrounding one
  inherited,      // `inherit x;`: in the surrounding scope
  inherited_from, // `inherit (e) x;`: in the scope of the set's `sources`
};

struct AttrDef {
  Symbol name;
  Pos pos;
  Expr* value;
  AttrKind kind;
  AttrDef* next; // while parsing
};
struct DynamicAttrDef {
  Expr* name;
  Expr* value;
  Pos pos;
  DynamicAttrDef* next;
};
struct InheritSource {
  Expr* value;
  uint32_t index;
  InheritSource* next;
};

// A set, or the bindings of a let. The lists grow while parsing (`a.b = 1; a.c = 2;` merges into an existing node);
// binding sorts them into `defs`.
struct AttrsExpr final : Expr {
  bool recursive = false;
  bool has_overrides = false; // rec { __overrides = …; }
  uint32_t count = 0;
  uint32_t dynamic_count = 0;
  uint32_t source_count = 0;
  AttrDef* first = nullptr;
  AttrDef* last = nullptr;
  AttrDef* defs = nullptr; // after binding: `count`, sorted by symbol
  DynamicAttrDef* first_dynamic = nullptr;
  DynamicAttrDef* last_dynamic = nullptr;
  InheritSource* first_source = nullptr;
  InheritSource* last_source = nullptr;
  explicit AttrsExpr(Pos p) : Expr(p) {}
  [[nodiscard]] AttrsExpr* as_set() override { return this; }
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
  void sort(Machine& m);
  // Binds everything in it; `inner` is the scope of the members, `outer` the surrounding one.
  void bind_members(Binder& binder, const Scope* outer, const Scope* inner);
  // Fills `slots` with the deferred values; `inner` is the environment of the members.
  void defer_members(Machine& m, Env* outer, Env* inner, Value** slots) const;
};

struct LetExpr final : Expr {
  AttrsExpr* bindings;
  Expr* body;
  LetExpr(Pos p, AttrsExpr* b, Expr* e) : Expr(p), bindings(b), body(e) {}
  LANG_EXPR_METHODS
};

struct Formal {
  Symbol name;
  Pos pos;
  Expr* fallback; // may be null
};

struct LambdaExpr final : Expr {
  Symbol name;     // of the variable or attribute that it is bound to
  Symbol argument; // `x:` or `x @ {…}:`; none for a bare pattern
  bool has_pattern = false;
  bool ellipsis = false;
  uint32_t formal_count = 0;
  Formal* formals = nullptr; // sorted by symbol
  Expr* body = nullptr;
  explicit LambdaExpr(Pos p) : Expr(p) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
  void set_name(Symbol n) override {
    if (!name) name = n;
    if (body) body->set_name(n);
  }
  [[nodiscard]] uint32_t slots() const { return formal_count + (argument ? 1 : 0); }
};

struct CallExpr final : Expr {
  Expr* function;
  Expr** arguments;
  uint32_t size;
  CallExpr(Pos p, Expr* f, Expr** a, uint32_t n) : Expr(p), function(f), arguments(a), size(n) {}
  LANG_EXPR_METHODS
};

struct WithExpr final : Expr {
  Expr* subject;
  Expr* body;
  uint32_t outer_distance = 0; // environments up to the next enclosing `with`; 0: none
  const WithExpr* outer = nullptr;
  WithExpr(Pos p, Expr* s, Expr* b) : Expr(p), subject(s), body(b) {}
  LANG_EXPR_METHODS
};

struct IfExpr final : Expr {
  Expr *condition, *then, *otherwise;
  IfExpr(Pos p, Expr* c, Expr* t, Expr* e) : Expr(p), condition(c), then(t), otherwise(e) {}
  LANG_EXPR_METHODS
};

struct AssertExpr final : Expr {
  Expr *condition, *body;
  Pos end; // of the condition's text
  AssertExpr(Pos p, Expr* c, Expr* b, Pos e) : Expr(p), condition(c), body(b), end(e) {}
  LANG_EXPR_METHODS
};

struct NotExpr final : Expr {
  Expr* operand;
  NotExpr(Pos p, Expr* o) : Expr(p), operand(o) {}
  LANG_EXPR_METHODS
};

struct NegateExpr final : Expr {
  Expr* operand;
  NegateExpr(Pos p, Expr* o) : Expr(p), operand(o) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
};

enum class Operator : uint8_t {
  implies,
  logical_or,
  logical_and,
  equal,
  not_equal,
  less,
  greater,
  less_equal,
  greater_equal,
  update,
  add,
  subtract,
  multiply,
  divide,
  concatenate,
};

struct BinaryExpr : Expr {
  Expr *left, *right;

protected:
  BinaryExpr(Pos p, Expr* l, Expr* r) : Expr(p), left(l), right(r) {}
  ~BinaryExpr() = default;
};
#define LANG_BINARY_EXPR(NAME, MORE)                                                                                   \
  struct NAME final : BinaryExpr {                                                                                     \
    NAME(Pos p, Expr* l, Expr* r) : BinaryExpr(p, l, r) {}                                                             \
    LANG_EXPR_METHODS                                                                                                  \
    MORE                                                                                                               \
  };
LANG_BINARY_EXPR(ImpliesExpr, )
LANG_BINARY_EXPR(OrExpr, )
LANG_BINARY_EXPR(AndExpr, )
LANG_BINARY_EXPR(EqualExpr, )
LANG_BINARY_EXPR(NotEqualExpr, )
LANG_BINARY_EXPR(LessExpr, )
LANG_BINARY_EXPR(GreaterExpr, )
LANG_BINARY_EXPR(LessEqualExpr, )
LANG_BINARY_EXPR(GreaterEqualExpr, )
LANG_BINARY_EXPR(UpdateExpr, )
LANG_BINARY_EXPR(AddExpr, LANG_EXPR_DEFER)
LANG_BINARY_EXPR(SubtractExpr, LANG_EXPR_DEFER)
LANG_BINARY_EXPR(MultiplyExpr, LANG_EXPR_DEFER)
LANG_BINARY_EXPR(DivideExpr, )
LANG_BINARY_EXPR(ConcatenateExpr, )
#undef LANG_BINARY_EXPR

// "a${b}c", ''…'', ./a/${b}
struct InterpolationExpr final : Expr {
  Expr** parts;
  uint32_t size;
  bool is_path;
  InterpolationExpr(Pos p, Expr** e, uint32_t n, bool path) : Expr(p), parts(e), size(n), is_path(path) {}
  LANG_EXPR_METHODS
};

struct ListExpr final : Expr {
  Expr** items;
  uint32_t size;
  ListExpr(Pos p, Expr** i, uint32_t n) : Expr(p), items(i), size(n) {}
  LANG_EXPR_METHODS
  LANG_EXPR_DEFER
};

struct CurrentPositionExpr final : Expr { // __curPos
  explicit CurrentPositionExpr(Pos p) : Expr(p) {}
  LANG_EXPR_METHODS
};

#undef LANG_EXPR_METHODS
#undef LANG_EXPR_DEFER

} // namespace lang
