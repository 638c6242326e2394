// Binding: every variable becomes a constant (a global), a slot of an environment so many levels up, or a look-up in
// the enclosing `with`s. A lexical variable always wins over `with`; what is in neither is an error now.
//
// A scope is an environment at run time: the bindings of let and rec (slot = place among the symbols in order), a
// lambda's arguments (the name for the whole first, then the formals in order), the sources of `inherit (…)`, a with.
#include "derivations/lang/machine.hpp"
#include "derivations/lang/parser.hpp"
#include "store/base/suggest.hpp"
#include <algorithm>

namespace lang {

namespace {

constexpr uint32_t kNoSlot = UINT32_MAX;

uint32_t slot_in(const Scope& scope, Symbol name) {
  switch (scope.kind) {
  case ScopeKind::attrs: {
    const auto& attrs = static_cast<const AttrsExpr&>(*scope.node);
    const AttrDef *begin = attrs.defs, *end = begin + attrs.count;
    const AttrDef* found = std::lower_bound(begin, end, name, [](const AttrDef& d, Symbol n) { return d.name < n; });
    return found != end && found->name == name ? static_cast<uint32_t>(found - attrs.defs) : kNoSlot;
  }
  case ScopeKind::lambda: {
    const auto& lambda = static_cast<const LambdaExpr&>(*scope.node);
    if (lambda.argument && lambda.argument == name) return 0;
    const Formal *begin = lambda.formals, *end = begin + lambda.formal_count;
    const Formal* found = std::lower_bound(begin, end, name, [](const Formal& f, Symbol n) { return f.name < n; });
    if (found == end || found->name != name) return kNoSlot;
    return static_cast<uint32_t>(found - lambda.formals) + (lambda.argument ? 1 : 0);
  }
  case ScopeKind::with:
  case ScopeKind::sources: return kNoSlot;
  }
  return kNoSlot;
}

std::vector<std::string_view> names_in(Machine& m, const Scope* scope) {
  std::vector<std::string_view> names;
  for (; scope; scope = scope->up) {
    if (scope->kind == ScopeKind::attrs) {
      const auto& attrs = static_cast<const AttrsExpr&>(*scope->node);
      for (uint32_t i = 0; i < attrs.count; ++i) names.push_back(m.symbols.text(attrs.defs[i].name));
    } else if (scope->kind == ScopeKind::lambda) {
      const auto& lambda = static_cast<const LambdaExpr&>(*scope->node);
      if (lambda.argument) names.push_back(m.symbols.text(lambda.argument));
      for (uint32_t i = 0; i < lambda.formal_count; ++i) names.push_back(m.symbols.text(lambda.formals[i].name));
    }
  }
  return names;
}

} // namespace

void Binder::bind(Expr*& expr, const Scope* scope) {
  if (++depth_ > kMaxDepth)
    machine.fail(ErrorKind::parse, expr->pos,
                 "this expression is nested deeper than " + std::to_string(kMaxDepth) + " levels");
  expr = expr->bind(*this, scope);
  --depth_;
}

Expr* Binder::variable(Pos pos, Symbol name, const Scope* scope) {
  Machine& m = machine;
  uint32_t level = 0, with_level = 0;
  const WithExpr* with = nullptr;
  for (const Scope* s = scope; s; s = s->up, ++level) {
    if (s->kind == ScopeKind::with) {
      if (!with) {
        with = static_cast<const WithExpr*>(s->node);
        with_level = level;
      }
      continue;
    }
    const uint32_t slot = slot_in(*s, name);
    if (slot == kNoSlot) continue;
    if (level == 0) return new (m.arena.allocate(sizeof(NearSlotExpr))) NearSlotExpr(pos, name, slot);
    return new (m.arena.allocate(sizeof(SlotExpr))) SlotExpr(pos, name, level, slot);
  }
  Value* global = nullptr;
  if (scoped_)
    if (const auto found = scoped_->find(name); found != scoped_->end()) global = found->second;
  if (!global) global = m.global(name);
  if (global) return new (m.arena.allocate(sizeof(SharedExpr))) SharedExpr(pos, global);
  if (with) return new (m.arena.allocate(sizeof(WithVariableExpr))) WithVariableExpr(pos, name, with_level, with);
  std::vector<std::string_view> names = names_in(m, scope);
  for (const std::string_view known : m.global_names()) names.push_back(known);
  const std::string nearest = store::nearest_name(m.symbols.text(name), names);
  throw EvalError(ErrorKind::undefined_variable, "undefined variable '" + std::string{m.symbols.text(name)} + "'",
                  m.sources.resolve(pos), nearest.empty() ? "" : "did you mean '" + nearest + "'?");
}

// --- one bind for each node

Expr* ConstantExpr::bind(Binder&, const Scope*) { return this; }
Expr* SharedExpr::bind(Binder&, const Scope*) { return this; }
Expr* SlotExpr::bind(Binder&, const Scope*) { return this; }
Expr* NearSlotExpr::bind(Binder&, const Scope*) { return this; }
Expr* WithVariableExpr::bind(Binder&, const Scope*) { return this; }
Expr* CurrentPositionExpr::bind(Binder&, const Scope*) { return this; }
Expr* VariableExpr::bind(Binder& binder, const Scope* scope) { return binder.variable(pos, name, scope); }

static void bind_path(Binder& binder, const Scope* scope, AttrName* path, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i)
    if (path[i].expr) binder.bind(path[i].expr, scope);
}

Expr* SelectExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(subject, scope);
  bind_path(binder, scope, path, size);
  if (fallback) binder.bind(fallback, scope);
  return this;
}

Expr* HasAttrExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(subject, scope);
  bind_path(binder, scope, path, size);
  return this;
}

void AttrsExpr::sort(Machine& m) {
  defs = m.arena.allocate_array<AttrDef>(count);
  uint32_t i = 0;
  bool sorted = true;
  for (const AttrDef* def = first; def; def = def->next, ++i) {
    defs[i] = *def;
    sorted = sorted && (i == 0 || defs[i - 1].name < def->name);
  }
  if (!sorted) std::sort(defs, defs + count, [](const AttrDef& a, const AttrDef& b) { return a.name < b.name; });
}

void AttrsExpr::bind_members(Binder& binder, const Scope* outer, const Scope* inner) {
  for (InheritSource* source = first_source; source; source = source->next) binder.bind(source->value, inner);
  const Scope sources{inner, ScopeKind::sources, this};
  for (uint32_t i = 0; i < count; ++i) {
    AttrDef& def = defs[i];
    switch (def.kind) {
    case AttrKind::plain: binder.bind(def.value, inner); break;
    case AttrKind::inherited: binder.bind(def.value, outer); break;
    case AttrKind::inherited_from: binder.bind(def.value, &sources); break;
    }
  }
  for (DynamicAttrDef* def = first_dynamic; def; def = def->next) {
    binder.bind(def->name, inner);
    binder.bind(def->value, inner);
  }
}

Expr* AttrsExpr::bind(Binder& binder, const Scope* scope) {
  Machine& m = binder.machine;
  sort(m);
  if (!recursive) {
    bind_members(binder, scope, scope);
    return this;
  }
  const Scope own{scope, ScopeKind::attrs, this};
  has_overrides = slot_in(own, m.names.overrides) != kNoSlot;
  bind_members(binder, scope, &own);
  return this;
}

Expr* LetExpr::bind(Binder& binder, const Scope* scope) {
  bindings->sort(binder.machine);
  const Scope own{scope, ScopeKind::attrs, bindings};
  bindings->bind_members(binder, scope, &own);
  binder.bind(body, &own);
  return this;
}

Expr* LambdaExpr::bind(Binder& binder, const Scope* scope) {
  const Scope own{scope, ScopeKind::lambda, this};
  for (uint32_t i = 0; i < formal_count; ++i)
    if (formals[i].fallback) binder.bind(formals[i].fallback, &own);
  binder.bind(body, &own);
  return this;
}

Expr* CallExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(function, scope);
  for (uint32_t i = 0; i < size; ++i) binder.bind(arguments[i], scope);
  return this;
}

Expr* WithExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(subject, scope);
  uint32_t distance = 1;
  for (const Scope* s = scope; s; s = s->up, ++distance)
    if (s->kind == ScopeKind::with) {
      outer = static_cast<const WithExpr*>(s->node);
      outer_distance = distance;
      break;
    }
  const Scope own{scope, ScopeKind::with, this};
  binder.bind(body, &own);
  return this;
}

Expr* IfExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(condition, scope);
  binder.bind(then, scope);
  binder.bind(otherwise, scope);
  return this;
}

Expr* AssertExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(condition, scope);
  binder.bind(body, scope);
  return this;
}

Expr* NotExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(operand, scope);
  return this;
}

Expr* NegateExpr::bind(Binder& binder, const Scope* scope) {
  binder.bind(operand, scope);
  return this;
}

#define LANG_BIND_BINARY(NAME)                                                                                         \
  Expr* NAME::bind(Binder& binder, const Scope* scope) {                                                               \
    binder.bind(left, scope);                                                                                          \
    binder.bind(right, scope);                                                                                         \
    return this;                                                                                                       \
  }
LANG_BIND_BINARY(ImpliesExpr)
LANG_BIND_BINARY(OrExpr)
LANG_BIND_BINARY(AndExpr)
LANG_BIND_BINARY(EqualExpr)
LANG_BIND_BINARY(NotEqualExpr)
LANG_BIND_BINARY(LessExpr)
LANG_BIND_BINARY(GreaterExpr)
LANG_BIND_BINARY(LessEqualExpr)
LANG_BIND_BINARY(GreaterEqualExpr)
LANG_BIND_BINARY(UpdateExpr)
LANG_BIND_BINARY(AddExpr)
LANG_BIND_BINARY(SubtractExpr)
LANG_BIND_BINARY(MultiplyExpr)
LANG_BIND_BINARY(DivideExpr)
LANG_BIND_BINARY(ConcatenateExpr)
#undef LANG_BIND_BINARY

Expr* InterpolationExpr::bind(Binder& binder, const Scope* scope) {
  for (uint32_t i = 0; i < size; ++i) binder.bind(parts[i], scope);
  return this;
}

Expr* ListExpr::bind(Binder& binder, const Scope* scope) {
  for (uint32_t i = 0; i < size; ++i) binder.bind(items[i], scope);
  return this;
}

} // namespace lang
