// What `--help` prints, of records.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

[[nodiscard]] std::string help(const Program& program);
[[nodiscard]] std::string help(const Program& program, const Command& command);
// Of `kpkg GROUP --help`: its commands.
[[nodiscard]] std::string group_help(const Program& program, std::string_view group);

} // namespace kpkg
