// The log of one build: a file that grows while the builder runs, its lines to a listener, and the last of them for the
// error message.
#pragma once
#include "store/posix/unique_fd.hpp"
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace realise {

class BuildLog {
public:
  BuildLog(std::filesystem::path file, std::function<void(std::string_view line)> on_line); // creates or empties it
  void append(std::string_view output); // throws UserError when the file cannot be written
  void finish();                        // passes on a last line without a line feed
  // «the last N lines of its log (FILE): …» for a message, control characters
  // escaped, colours left out, or that it printed nothing.
  [[nodiscard]] std::string tail_text() const;

private:
  void end_line();
  std::filesystem::path file_;
  std::function<void(std::string_view)> on_line_;
  store::UniqueFd fd_;
  std::string line_;
  std::deque<std::string> tail_;
};

} // namespace realise
