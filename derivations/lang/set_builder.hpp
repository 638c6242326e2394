// Attributes as they are written, `a.b.c = 1; a.d = 2; inherit x;`, into sets inside sets. Attributes that are there
// already are errors, but for sets written out, which merge.
#pragma once
#include "derivations/lang/machine.hpp"

namespace lang {

class SetBuilder {
public:
  explicit SetBuilder(Machine& m) : m_(m) {}
  // `path = value;` where `start` is the place of the path.
  void add(AttrsExpr& root, const std::vector<AttrName>& path, Expr* value, Pos start);
  void inherit(AttrsExpr& attrs, Symbol name, Pos at, Expr* value, AttrKind kind);

private:
  void merge(AttrsExpr& into, AttrsExpr& from, const std::vector<AttrName>& path);
  void insert(AttrsExpr& attrs, Symbol name, Pos at, Expr* value, AttrKind kind);
  void insert_dynamic(AttrsExpr& attrs, Expr* name, Expr* value, Pos at);
  [[nodiscard]] AttrDef* find(const AttrsExpr& attrs, Symbol name);
  [[nodiscard]] AttrsExpr* new_set(Pos at) { return new (m_.arena.allocate(sizeof(AttrsExpr))) AttrsExpr(at); }
  [[noreturn]] void fail_duplicate(const std::vector<AttrName>& path, size_t last, const AttrDef& existing);

  static constexpr uint32_t kIndexFrom = 12; // attributes in a set before looking for duplicates needs a hash table
  Machine& m_;
  std::unordered_map<const AttrsExpr*, std::unordered_map<uint32_t, AttrDef*>> indexes_; // by symbol
};

} // namespace lang
