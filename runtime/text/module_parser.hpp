// A module's fields in text form (spec §6.6) into a binary module, with the identifiers as its name section.
#pragma once
#include "runtime/text/cursor.hpp"

namespace runtime::text {

// The cursor stands on a module's first field; it is left on the parenthesis that closes the module, or at the end of
// the text. `name`: the module's own identifier, may be empty.
[[nodiscard]] Result<std::vector<std::byte>> parse_module_fields(Cursor& cursor, std::string_view name);

} // namespace runtime::text
