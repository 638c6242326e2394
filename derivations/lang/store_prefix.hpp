// Which file paths lie in the store, and in which store path.
#pragma once
#include "store/format/store_path.hpp"
#include <string>
#include <string_view>

namespace lang {

class StorePrefix {
public:
  explicit StorePrefix(std::string store_dir) : store_dir_(std::move(store_dir)) {}

  struct Place {
    store::StorePath path;
    std::string_view rest; // within it: empty, or "/…"
  };
  // Lies below the store's folder, whether or not under the name of a store path.
  [[nodiscard]] bool contains(std::string_view path) const;
  // `path` must lie there.
  [[nodiscard]] store::Result<Place> split(std::string_view path) const;
  [[nodiscard]] std::string full(const store::StorePath& path) const { return path.full(store_dir_); }

private:
  std::string store_dir_;
};

} // namespace lang
