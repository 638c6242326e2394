// A store path as users name it: whole, its base name, any path below it, or a link to it such as ./result.
#pragma once
#include "store/format/store_path.hpp"
#include <string>
#include <vector>

namespace kpkg {

// UserError (usage) where it is none.
[[nodiscard]] store::StorePath parse_store_path(std::string_view text);
[[nodiscard]] store::StorePathSet parse_store_paths(const std::vector<std::string>& texts);

} // namespace kpkg
