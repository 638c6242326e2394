// «Did you mean …»: what a mistyped name was probably meant to be.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace store {

// The candidate nearest to `name`, if near enough to be a typing mistake; else "". Counted are letters that are
// missing, added, changed or swapped with their neighbour (optimal string alignment distance).
[[nodiscard]] std::string nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);

} // namespace store
