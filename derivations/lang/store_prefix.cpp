#include "derivations/lang/store_prefix.hpp"
#include "store/base/try.hpp"
#include <algorithm>

namespace lang {

bool StorePrefix::contains(std::string_view path) const {
  return path.size() > store_dir_.size() + 1 && path.starts_with(store_dir_) && path[store_dir_.size()] == '/';
}

store::Result<StorePrefix::Place> StorePrefix::split(std::string_view path) const {
  const std::string_view inside = path.substr(store_dir_.size() + 1);
  const size_t slash = std::min(inside.find('/'), inside.size());
  store::StorePath top = TRY(store::StorePath::parse_base_name(inside.substr(0, slash)));
  return Place{.path = std::move(top), .rest = inside.substr(slash)};
}

} // namespace lang
