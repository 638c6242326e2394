// Building sets.
#include "derivations/lang/set_builder.hpp"

namespace lang {

// `a.b.c = value` makes or enters the sets a and a.b.
void SetBuilder::add(AttrsExpr& root, const std::vector<AttrName>& path, Expr* value, Pos start) {
  AttrsExpr* attrs = &root;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!path[i].symbol) {
      auto* nested = new_set(path[i].pos);
      insert_dynamic(*attrs, path[i].expr, nested, path[i].pos);
      attrs = nested;
    } else if (AttrDef* existing = find(*attrs, path[i].symbol)) {
      AttrsExpr* nested = existing->kind == AttrKind::plain ? existing->value->as_set() : nullptr;
      if (!nested) fail_duplicate(path, i, *existing);
      attrs = nested;
    } else {
      auto* nested = new_set(path[i].pos);
      insert(*attrs, path[i].symbol, path[i].pos, nested, AttrKind::plain);
      attrs = nested;
    }
  }
  const AttrName& last = path.back();
  if (!last.symbol) {
    insert_dynamic(*attrs, last.expr, value, last.pos);
    return;
  }
  if (AttrDef* existing = find(*attrs, last.symbol)) {
    AttrsExpr* into = existing->kind == AttrKind::plain ? existing->value->as_set() : nullptr;
    if (!into || !value->as_set()) fail_duplicate(path, path.size() - 1, *existing);
    merge(*into, *value->as_set(), path);
    return;
  }
  value->set_name(last.symbol);
  insert(*attrs, last.symbol, path.size() == 1 ? start : last.pos, value, AttrKind::plain);
}

// { a = { x = 1; }; a = { y = 2; }; }
void SetBuilder::merge(AttrsExpr& into, AttrsExpr& from, const std::vector<AttrName>& path) {
  const uint32_t shift = into.source_count;
  for (AttrDef* def = from.first; def;) {
    AttrDef* next = def->next;
    if (AttrDef* existing = find(into, def->name)) {
      std::vector<AttrName> whole = path;
      whole.push_back({def->name, def->pos, nullptr});
      fail_duplicate(whole, path.size(), *existing);
    }
    if (def->kind == AttrKind::inherited_from)
      static_cast<NearSlotExpr*>(static_cast<SelectExpr*>(def->value)->subject)->slot += shift;
    insert(into, def->name, def->pos, def->value, def->kind);
    def = next;
  }
  for (InheritSource* source = from.first_source; source; source = source->next) source->index += shift;
  if (from.first_source) {
    (into.last_source ? into.last_source->next : into.first_source) = from.first_source;
    into.last_source = from.last_source;
    into.source_count += from.source_count;
  }
  if (from.first_dynamic) {
    (into.last_dynamic ? into.last_dynamic->next : into.first_dynamic) = from.first_dynamic;
    into.last_dynamic = from.last_dynamic;
    into.dynamic_count += from.dynamic_count;
  }
}

void SetBuilder::insert(AttrsExpr& attrs, Symbol name, Pos at, Expr* value, AttrKind kind) {
  auto* def = new (m_.arena.allocate(sizeof(AttrDef))) AttrDef{name, at, value, kind, nullptr};
  (attrs.last ? attrs.last->next : attrs.first) = def;
  attrs.last = def;
  ++attrs.count;
  if (attrs.count > kIndexFrom) {
    auto& index = indexes_[&attrs];
    if (index.empty())
      for (AttrDef* d = attrs.first; d; d = d->next) index.emplace(d->name.id, d);
    else
      index.emplace(name.id, def);
  }
}

void SetBuilder::insert_dynamic(AttrsExpr& attrs, Expr* name, Expr* value, Pos at) {
  auto* def = new (m_.arena.allocate(sizeof(DynamicAttrDef))) DynamicAttrDef{name, value, at, nullptr};
  (attrs.last_dynamic ? attrs.last_dynamic->next : attrs.first_dynamic) = def;
  attrs.last_dynamic = def;
  ++attrs.dynamic_count;
}

AttrDef* SetBuilder::find(const AttrsExpr& attrs, Symbol name) {
  if (attrs.count > kIndexFrom) {
    const auto& index = indexes_[&attrs];
    const auto found = index.find(name.id);
    return found == index.end() ? nullptr : found->second;
  }
  for (AttrDef* def = attrs.first; def; def = def->next)
    if (def->name == name) return def;
  return nullptr;
}

void SetBuilder::fail_duplicate(const std::vector<AttrName>& path, size_t last, const AttrDef& existing) {
  std::string name;
  for (size_t i = 0; i <= last; ++i) {
    if (i) name += '.';
    name += path[i].symbol ? std::string{m_.symbols.text(path[i].symbol)} : "${…}";
  }
  m_.fail(ErrorKind::parse, path[last].pos,
          "attribute '" + name + "' is already defined at " + m_.sources.resolve(existing.pos).to_string());
}

void SetBuilder::inherit(AttrsExpr& attrs, Symbol name, Pos at, Expr* value, AttrKind kind) {
  if (const AttrDef* existing = find(attrs, name)) fail_duplicate({{name, at, nullptr}}, 0, *existing);
  insert(attrs, name, at, value, kind);
}

} // namespace lang
