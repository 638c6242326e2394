// Canonical types of an Engine (spec §3.1.2 "recursive types", iso-recursive equivalence). Rec groups are interned as a
// whole; every member has a TypeId. Ids are stable for the registry's life. Subtyping between ids is a table look-up
// (display of supertypes), as call_indirect and casts need at run time.
// Not thread-safe: an Engine guards it.
#pragma once
#include "runtime/types/error.hpp"
#include "runtime/types/types.hpp"
#include <memory>
#include <span>

namespace runtime {

class TypeRegistry {
public:
  TypeRegistry();
  ~TypeRegistry();
  TypeRegistry(const TypeRegistry&) = delete;
  TypeRegistry& operator=(const TypeRegistry&) = delete;

  // Interns a rec group whose members refer to each other by HeapType::in_group; returns the members' ids (consecutive).
  // The caller has checked that supertypes are valid.
  [[nodiscard]] Result<TypeId> intern(std::vector<SubType> group); // id of the first member
  [[nodiscard]] TypeId intern(const FuncType& type);               // a final function type alone in its group

  [[nodiscard]] const SubType& get(TypeId id) const; // references inside are all `defined`
  [[nodiscard]] const FuncType* func(TypeId id) const; // null when it is no function type
  [[nodiscard]] bool is_subtype(TypeId sub, TypeId super) const;
  [[nodiscard]] bool is_subtype(HeapType sub, HeapType super) const; // spec §3.3.3
  [[nodiscard]] bool is_subtype(ValType sub, ValType super) const;   // bottom is below all
  [[nodiscard]] size_t size() const;
  [[nodiscard]] std::string to_string(ValType type) const; // «i32», «(ref null func)», «(ref $5)»

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime
