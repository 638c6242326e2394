// One thing that a string of the language was made of, which a derivation that uses the string depends on. Written as
// in Nix: «/kpkg/store/…», «!out!/kpkg/store/….drv», «=/kpkg/store/….drv».
#pragma once
#include "store/format/store_path.hpp"
#include <compare>
#include <string>
#include <string_view>

namespace lang {

struct ContextElement {
  enum class Kind : uint8_t {
    path,       // a path in the store, as it is
    output,     // the output `output` of the derivation `path`, once built
    derivation, // the derivation `path` with everything it needs and all of its outputs
  };
  Kind kind = Kind::path;
  store::StorePath path;
  std::string output{}; // of Kind::output

  [[nodiscard]] static store::Result<ContextElement> parse(std::string_view text,
                                                           std::string_view store_dir = store::kStoreDir);
  [[nodiscard]] std::string text(std::string_view store_dir = store::kStoreDir) const;
  friend auto operator<=>(const ContextElement&, const ContextElement&) = default;
};

} // namespace lang
