// A builtin as a record: its code and its documentation from one place. builtins/ has them all, by subject.
#pragma once
#include "derivations/lang/value.hpp"
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lang {

struct Machine;

struct Primop {
  std::string_view name;
  uint32_t arity;
  Value (*function)(Machine& m, Pos pos, Value** arguments);
  std::string_view arguments; // their names, separated by blanks
  std::string_view text;      // for the manual
};

// The tables of several subjects. They live as long as the program.
using BuiltinTables = std::vector<std::span<const Primop>>;

} // namespace lang
