#include "kpkg/project/library.hpp"
#include "generated/kpkgs.hpp"

namespace kpkg {

std::map<std::string, std::string_view> library_files() {
  std::map<std::string, std::string_view> files;
  for (const auto& [name, text] : embedded::kKpkgs)
    files.emplace(std::string(kLibraryFolder) + "/" + std::string(name), text);
  return files;
}

} // namespace kpkg
