// Failures of builds, in the one exception for users: what happened to which derivation, and what the user can do.
#pragma once
#include "store/posix/user_error.hpp"
#include <string>
#include <utility>

namespace realise {

// To be thrown.
[[nodiscard]] inline store::UserError build_error(const std::string& message, std::string hint = {}) {
  return {store::UserErrorCode::build, message, std::move(hint)};
}

} // namespace realise
