// What the store knows of a path, for the commands that show or need it.
#pragma once
#include "kpkg/cli/context.hpp"

namespace kpkg {

[[nodiscard]] Json info_json(const store::PathInfo& info);
// UserError where the path is not valid.
[[nodiscard]] store::PathInfo valid_path_info(Context& context, const store::StorePath& path);

} // namespace kpkg
