// Path text.
#include "derivations/lang/paths.hpp"

namespace lang {

std::string canonical_path(std::string_view absolute) {
  std::string result;
  size_t at = 0;
  while (at < absolute.size()) {
    size_t end = absolute.find('/', at);
    if (end == std::string_view::npos) end = absolute.size();
    const std::string_view component = absolute.substr(at, end - at);
    if (component == "..") {
      const size_t slash = result.rfind('/');
      result.resize(slash == std::string::npos ? 0 : slash);
    } else if (!component.empty() && component != ".") {
      result += '/';
      result += component;
    }
    at = end + 1;
  }
  return result.empty() ? "/" : result;
}

std::string_view base_name_of(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

} // namespace lang
