// The kernel's command line: options «name=value» separated by spaces. Strict: an option that is unknown, malformed or
// given twice (but for kpkg.key) is an error, because an option misread here may be a check left out.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace kernel {

struct CommandLine {
  std::string generation;        // kpkg.generation=sha256:NIX32 — the system to run; empty: none
  std::vector<std::string> keys; // kpkg.key=NAME:BASE64, any number — who may sign it
  std::string test;              // test=PATTERN — run the in-kernel tests instead («all», or a part of their names)
  // The error is a sentence that names the option.
  [[nodiscard]] static std::expected<CommandLine, std::string> parse(std::string_view text);
};

} // namespace kernel
