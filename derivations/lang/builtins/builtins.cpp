#include "derivations/lang/builtins/builtins.hpp"

namespace lang {

BuiltinTables all_builtins() {
  return {control_builtins(), type_builtins(),    number_builtins(), string_builtins(),
          regex_builtins(),   version_builtins(), list_builtins(),   attrs_builtins(),
          context_builtins(), file_builtins(),    json_builtins(),   derivation_builtins()};
}

} // namespace lang
