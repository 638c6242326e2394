// Canonical types of an Engine (spec §3.1.2 "recursive types", iso-recursive equivalence). Rec groups are interned as a
// whole; every member has a TypeId. Ids are stable for the registry's life. Subtyping between ids is a table look-up
// (display of supertypes), as call_indirect and casts need at run time.
//
// Thread-safe: interning locks, everything else reads without a lock. An entry never moves or changes once its id is
// known to anybody, and a thread that was handed an id was handed its entry with it.
#pragma once
#include "runtime/types/error.hpp"
#include "runtime/types/types.hpp"
#include <memory>
#include <span>

namespace runtime {

inline constexpr size_t kMaxSubtypeDepth = 64; // types in a chain of supertypes, itself counted (engines agree on it)

class TypeRegistry {
public:
  TypeRegistry();
  ~TypeRegistry();
  TypeRegistry(const TypeRegistry&) = delete;
  TypeRegistry& operator=(const TypeRegistry&) = delete;

  // Interns a rec group (not empty) whose members refer to each other by HeapType::in_group; the members' ids are
  // consecutive from the one returned. A supertype is a function, structure or array as its subtype is, and is defined
  // earlier: invalid when not. Whether a supertype is open and its content matches is the caller's to check
  // (matches_declared_super) with the ids this gives. Limit: kMaxSubtypeDepth.
  [[nodiscard]] Result<TypeId> intern(std::vector<SubType> group);
  [[nodiscard]] TypeId intern(const FuncType& type); // a final function type alone in its group

  [[nodiscard]] const SubType& get(TypeId id) const;   // references inside are all `defined`
  [[nodiscard]] const FuncType* func(TypeId id) const; // null when it is no function type
  [[nodiscard]] bool is_subtype(TypeId sub, TypeId super) const;
  [[nodiscard]] bool is_subtype(HeapType sub, HeapType super) const; // spec §3.3.3
  [[nodiscard]] bool is_subtype(ValType sub, ValType super) const;   // bottom is below all
  // Whether the type's declared supertype, if any, is open and its content matches (spec §3.2.10).
  [[nodiscard]] bool matches_declared_super(TypeId id) const;
  // The chain of declared supertypes from the root down to the type itself: super is above sub exactly when
  // supertypes(sub)[supertypes(super).size() - 1] == super. What generated casts load from.
  [[nodiscard]] std::span<const TypeId> supertypes(TypeId id) const;
  [[nodiscard]] size_t size() const;
  [[nodiscard]] static std::string to_string(ValType type); // «i32», «(ref null func)», «(ref $5)»

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime
