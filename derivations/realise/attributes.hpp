// Attributes of a derivation as the native builder reads them: texts in its environment.
#pragma once
#include "store/format/derivation.hpp"

namespace realise {

// The value of an attribute; null where the derivation has none of that name.
[[nodiscard]] const std::string* env_of(const store::Derivation& derivation, const std::string& name);

[[nodiscard]] std::vector<std::string> words(const std::string& text); // separated by spaces of any kind

} // namespace realise
