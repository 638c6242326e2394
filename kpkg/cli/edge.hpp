// The edge of the program: whatever was thrown is told to the user once, as text or JSON, and becomes the exit status.
#pragma once
#include "kpkg/cli/context.hpp"
#include <functional>

namespace kpkg {

// Runs `work`; 0, the guest's status, or that of the error's code.
[[nodiscard]] int run_to_exit_status(Context& context, const std::function<void()>& work);

} // namespace kpkg
