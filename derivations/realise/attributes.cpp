#include "derivations/realise/attributes.hpp"
#include <sstream>

namespace realise {

const std::string* env_of(const store::Derivation& derivation, const std::string& name) {
  const auto entry = derivation.env.find(name);
  return entry != derivation.env.end() ? &entry->second : nullptr;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in{text};
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

} // namespace realise
