// All builtins, by subject: one file and one table of records each.
#pragma once
#include "derivations/lang/primop.hpp"

namespace lang {

[[nodiscard]] std::span<const Primop> control_builtins();
[[nodiscard]] std::span<const Primop> type_builtins();
[[nodiscard]] std::span<const Primop> number_builtins();
[[nodiscard]] std::span<const Primop> string_builtins();
[[nodiscard]] std::span<const Primop> regex_builtins();
[[nodiscard]] std::span<const Primop> version_builtins();
[[nodiscard]] std::span<const Primop> list_builtins();
[[nodiscard]] std::span<const Primop> attrs_builtins();
[[nodiscard]] std::span<const Primop> context_builtins();
[[nodiscard]] std::span<const Primop> file_builtins();
[[nodiscard]] std::span<const Primop> json_builtins();
[[nodiscard]] std::span<const Primop> derivation_builtins();
[[nodiscard]] BuiltinTables all_builtins();

} // namespace lang
