// Text from outside (names, messages of servers, builders' output) on its way to a terminal: bytes that would command
// it, or that are no UTF-8, are shown instead of sent.
#pragma once
#include <string>
#include <string_view>

namespace kpkg {

// Control characters but newline and tab, also those of U+0080…U+009F, and bytes that are no UTF-8 become \xNN.
[[nodiscard]] std::string printable(std::string_view text);
// For JSON: bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);
// Breaks at spaces into lines of at most `columns` columns (one a character), each after the first indented by
// `indent`.
[[nodiscard]] std::string wrapped(std::string_view text, size_t columns, size_t indent);

} // namespace kpkg
