// File paths as text: what the language does with them before the file system is asked.
#pragma once
#include <string>
#include <string_view>

namespace lang {

// An absolute path without «.», «..», empty components and trailing slash. Symlinks are not looked at.
[[nodiscard]] std::string canonical_path(std::string_view absolute);
[[nodiscard]] std::string_view base_name_of(std::string_view path); // trailing slash ignored
[[nodiscard]] std::string_view directory_of(std::string_view path); // "." if there is no slash

} // namespace lang
