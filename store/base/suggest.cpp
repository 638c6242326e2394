#include "store/base/suggest.hpp"
#include <algorithm>
#include <numeric>

namespace store {

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
  if (name.empty() || name.size() > 64) return {};
  size_t best =
      std::max<size_t>(1, name.size() / 3) + 1; // one above the largest distance that is still a typing mistake
  std::string_view result;
  std::vector<size_t> row(name.size() + 1), above(name.size() + 1), twice_above(name.size() + 1);
  for (const std::string_view candidate : candidates) {
    const size_t longer = std::max(candidate.size(), name.size());
    if (candidate.empty() || candidate == name || longer - std::min(candidate.size(), name.size()) >= best) continue;
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < candidate.size(); ++i) { // one row of the table at a time
      std::swap(twice_above, above);
      std::swap(above, row);
      row[0] = i + 1;
      for (size_t j = 0; j < name.size(); ++j) {
        row[j + 1] = std::min({above[j] + (candidate[i] != name[j]), row[j] + 1, above[j + 1] + 1});
        if (i > 0 && j > 0 && candidate[i] == name[j - 1] && candidate[i - 1] == name[j])
          row[j + 1] = std::min(row[j + 1], twice_above[j - 1] + 1);
      }
    }
    if (row.back() < best) {
      best = row.back();
      result = candidate;
    }
  }
  return std::string{result};
}

} // namespace store
