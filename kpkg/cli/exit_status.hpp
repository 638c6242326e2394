// What kpkg ends with. The statuses are an interface (README's table, every manual page): they never change their
// meaning. Commands do not choose one: they throw, and the error's code decides, here.
#pragma once
#include "store/posix/user_error.hpp"
#include <span>
#include <string_view>

namespace kpkg {

enum class ExitStatus : uint8_t {
  success = 0,
  failed = 1,
  usage = 2,
  evaluation_failed = 3,
  build_failed = 4,
  refused = 5,
  invalid_module = 6,
  not_started = 125,
  interrupted = 130,
  trapped = 134,
};

[[nodiscard]] ExitStatus exit_status(store::UserErrorCode code);
[[nodiscard]] std::span<const ExitStatus> every_exit_status(); // in ascending order
// For help and manual: one line, without a full stop.
[[nodiscard]] std::string_view meaning(ExitStatus status);
// The word for `kind` in an error's JSON: "failed", "usage", …
[[nodiscard]] std::string_view kind_name(store::UserErrorCode code);

} // namespace kpkg
