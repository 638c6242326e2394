// Completion scripts for bash, zsh and fish, of records: commands and options with their summaries, and for values
// files, folders, the store's paths, trusted keys and fixed choices.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

[[nodiscard]] std::string bash_completion(const Program& program);
[[nodiscard]] std::string zsh_completion(const Program& program); // a #compdef function, for a file _kpkg in $fpath
[[nodiscard]] std::string fish_completion(const Program& program);

// The words that may follow the command `words` ("": kpkg itself; a group; a command): commands, options, choices.
[[nodiscard]] std::vector<Mention> offered_words(const Program& program, std::string_view words);

} // namespace kpkg
