// From the words of the command line to the command that they ask for, its options filled in. CLI11 does the parsing;
// what is wrong becomes a UserError (usage) that says what was probably meant.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

struct Invocation {
  const Command* command = nullptr; // null: print `text` instead
  std::string text{};               // of --help and --version
};

// `words`: without the program's own name. Writes to the targets of the program's and the command's options.
[[nodiscard]] Invocation parse(const Program& program, const std::vector<std::string>& words);

// Whether the words have `flag` among the options: known before anything is parsed, for errors of parsing.
[[nodiscard]] bool has_flag(const std::vector<std::string>& words, std::string_view flag);

} // namespace kpkg
