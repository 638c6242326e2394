// One console for the kernel's lines and the guests' output. A guest's line begins with its name in brackets; a line
// that was not finished is ended before another speaks.
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace kernel {

class GuestConsole {
public:
  explicit GuestConsole(const std::function<void(std::string_view)>& write) : write_(write) {}

  // A line of the kernel's own.
  void line(std::string_view text) {
    end_line();
    write_(std::string(text) + "\n");
  }
  // Bytes of a guest. Control characters but newline and tab are shown as «?»: a guest must not be able to forge or
  // erase lines of others on a terminal.
  void guest(std::string_view name, std::string_view text) {
    std::string out;
    if (speaker_ != name) end_line();
    for (const char c : text) {
      if (speaker_.empty()) {
        out.append("[").append(name).append("] ");
        speaker_ = name;
      }
      const auto byte = static_cast<unsigned char>(c);
      out.push_back((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f ? '?' : c);
      if (c == '\n') speaker_.clear();
    }
    write_(out);
  }
  void end_line() {
    if (speaker_.empty()) return;
    write_("\n");
    speaker_.clear();
  }

private:
  const std::function<void(std::string_view)>& write_;
  std::string speaker_; // whose line is unfinished; empty: none
};

} // namespace kernel
