// The manual in Markdown, of records: an index and one page a command.
#pragma once
#include "kpkg/cli/mdoc.hpp"

namespace kpkg {

[[nodiscard]] std::vector<ManualPage> markdown_pages(const Program& program); // README.md first

} // namespace kpkg
