// The error of builds: what happened to which derivation, and what the user can do.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace realise {

class BuildError : public std::runtime_error {
public:
  explicit BuildError(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}
  [[nodiscard]] const std::string& hint() const { return hint_; } // what the user can do, or ""

private:
  std::string hint_;
};

} // namespace realise
