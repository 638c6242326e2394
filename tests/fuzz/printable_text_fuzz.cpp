// Whatever a builder writes: what is shown of it is UTF-8 in which nothing commands the terminal but colours, and
// showing it again changes nothing.
#include "store/base/printable_text.hpp"
#include "store/base/utf8.hpp"
#include <cstdlib>

using namespace store;

namespace {

// Without the SGR sequences that are allowed, no control character but tab and no deceptive character is left.
void check_shown(std::string_view text, bool newlines) {
  if (!is_utf8(text)) std::abort();
  while (!text.empty()) {
    const std::string_view character = text.substr(0, utf8_sequence_length(text));
    const bool kept = character == "\t" || (newlines && character == "\n");
    if (is_deceptive(decode_utf8(character)) && !kept) std::abort();
    text.remove_prefix(character.size());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_shown(printable(text), true);
  check_shown(printable_log_line(text, Colour::drop), false);
  if (printable(printable(text)) != printable(text)) std::abort();
  std::string coloured = printable_log_line(text, Colour::keep);
  if (coloured.contains("\033[") && !coloured.ends_with("\033[0m")) std::abort();
  for (size_t at = 0; (at = coloured.find('\033', at)) != std::string::npos;) {
    const size_t end = coloured.find_first_not_of("0123456789;:", at + 2);
    if (coloured[at + 1] != '[' || end == std::string::npos || coloured[end] != 'm') std::abort();
    coloured.erase(at, end + 1 - at);
  }
  check_shown(coloured, false);
  check_shown(printable_line(last_overwritten(text)), false);
  return 0;
}
