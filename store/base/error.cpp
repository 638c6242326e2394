// How an error reads where it is shown: subject, place, message.
#include "store/base/error.hpp"

namespace store {

std::string Error::describe(std::string_view subject) const {
  std::string text{subject};
  if (offset != kNoOffset) text.append(text.empty() ? "byte " : ", byte ").append(std::to_string(offset));
  if (!text.empty()) text.append(": ");
  return text.append(message);
}

} // namespace store
