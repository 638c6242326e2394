// Text on its way to a terminal: what is safe to send (store/base/printable_text.hpp decides), and what fits.
#pragma once
#include "store/base/printable_text.hpp"
#include <string>
#include <string_view>

namespace kpkg {

using store::printable;
// A message of several lines: those after the first are indented, so that none passes for a line of kpkg's own
// («error: …», «hint: …»).
[[nodiscard]] std::string printable_message(std::string_view text, size_t indent);
// A whole build log: each line as store::printable_log_line.
[[nodiscard]] std::string printable_log(std::string_view log, store::Colour colour);
// For JSON: bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);
// The start of `text`, as one line without control characters and colours, that takes at most `columns` columns of any
// terminal: what might be wide counts as two.
[[nodiscard]] std::string clipped(std::string_view text, size_t columns);
// Breaks at spaces into lines of at most `columns` columns (one a character), each after the first indented by
// `indent`.
[[nodiscard]] std::string wrapped(std::string_view text, size_t columns, size_t indent);

} // namespace kpkg
