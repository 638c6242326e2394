#include "derivations/lang/context_element.hpp"
#include "store/base/try.hpp"
#include <algorithm>

namespace lang {

store::Result<ContextElement> ContextElement::parse(std::string_view text, std::string_view store_dir) {
  Kind kind = Kind::path;
  std::string output;
  if (text.starts_with('!')) {
    const size_t second = std::min(text.find('!', 1), text.size());
    kind = Kind::output;
    output = text.substr(1, second - 1);
    text.remove_prefix(std::min(second + 1, text.size()));
  } else if (text.starts_with('=')) {
    kind = Kind::derivation;
    text.remove_prefix(1);
  }
  store::StorePath path = TRY(store::StorePath::parse(text, store_dir));
  return ContextElement{.kind = kind, .path = std::move(path), .output = std::move(output)};
}

std::string ContextElement::text(std::string_view store_dir) const {
  switch (kind) {
  case Kind::path: return path.full(store_dir);
  case Kind::output: return "!" + output + "!" + path.full(store_dir);
  case Kind::derivation: return "=" + path.full(store_dir);
  }
  return {};
}

} // namespace lang
