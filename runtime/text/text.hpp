// The text format (spec §6): WAT to binary, and the test-suite scripts (.wast) that drive an engine. Pure: no OS calls;
// the same code runs the suites on the host and inside the kernel.
#pragma once
#include "runtime/engine.hpp"
#include <functional>
#include <string_view>

namespace runtime {

// A module in text form → binary. Errors: malformed, with byte offset; line and column are in the message.
[[nodiscard]] Result<std::vector<std::byte>> parse_wat(std::string_view text);

struct ScriptFailure {
  uint32_t line = 0;
  std::string message; // what was asserted, what happened
};
struct ScriptResult {
  uint32_t assertions = 0, passed = 0; // every assert_* and every module or action that must succeed counts once
  std::vector<ScriptFailure> failures;
};
// Runs a .wast script against a fresh Store with the suites' `spectest` module. `print` gets spectest's output.
// Result error: the script itself cannot be parsed.
[[nodiscard]] Result<ScriptResult> run_script(Engine& engine, std::string_view script,
                                              const std::function<void(std::string_view)>& print = {});

} // namespace runtime
