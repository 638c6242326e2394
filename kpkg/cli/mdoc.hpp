// Manual pages of section 1 in the language mdoc(7), of records.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

// A page's file name («kpkg-system-build.1») and its text.
struct ManualPage {
  std::string file_name;
  std::string text;
};
[[nodiscard]] std::vector<ManualPage> man_pages(const Program& program); // kpkg.1 first

} // namespace kpkg
