// The library kpkgs (derivations/kpkgs), which is part of the program: what <kpkgs> and the argument `kpkgs` mean.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace kpkg {

// The folder in which evaluators see it; there is none on the disk.
inline constexpr std::string_view kLibraryFolder = "/kpkg/library/kpkgs";
// Its files: whole path and text. For lang::EvalOptions::embedded_files.
[[nodiscard]] std::map<std::string, std::string_view> library_files();

} // namespace kpkg
