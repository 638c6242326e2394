// Which store paths a file tree names: a search of its NAR's contents (file contents, names and symlink targets) for
// the 32-digit digests of candidate paths, as Nix does it. A digest split between two files is none.
#pragma once
#include "store/format/store_path.hpp"
#include <filesystem>

namespace build {

[[nodiscard]] store::StorePathSet scan_references(const std::filesystem::path& tree,
                                                  const store::StorePathSet& candidates);

} // namespace build
