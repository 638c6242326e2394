#include "kpkg/cli/store_path_argument.hpp"
#include "store/posix/user_error.hpp"
#include <filesystem>

namespace kpkg {

store::StorePath parse_store_path(std::string_view text) {
  namespace fs = std::filesystem;
  std::string_view base = text;
  if (base.starts_with(store::kStoreDir)) {
    base.remove_prefix(store::kStoreDir.size());
    while (base.starts_with('/')) base.remove_prefix(1);
    base = base.substr(0, base.find('/'));
  } else if (base.find('/') != std::string_view::npos) { // a link such as ./result, or a physical path
    std::error_code error;
    const fs::path real = fs::weakly_canonical(fs::path(text), error);
    for (fs::path part = real; !error && part.has_relative_path(); part = part.parent_path())
      if (auto parsed = store::StorePath::parse_base_name(part.filename().string())) return *parsed;
  }
  auto parsed = store::StorePath::parse_base_name(base);
  if (!parsed)
    throw store::UserError(store::UserErrorCode::usage,
                           "\"" + std::string(text) + "\" is no store path: " + parsed.error().message,
                           "a store path is /kpkg/store/DIGEST-NAME");
  return *parsed;
}

store::StorePathSet parse_store_paths(const std::vector<std::string>& texts) {
  store::StorePathSet paths;
  for (const auto& text : texts) paths.insert(parse_store_path(text));
  return paths;
}

} // namespace kpkg
