// Text from outside (names, messages of servers, builders' output) on its way to a person: what would command a
// terminal, what shows as nothing, or changes the order of what stands beside it, and what is no UTF-8, is shown as an
// escape instead of sent. That is: the control characters C0, DEL and C1; U+00AD, U+061C, U+180E, U+200B…U+200F,
// U+2028…U+202E, U+2060…U+206F, U+FEFF, U+FFF9…U+FFFB, and the tags U+E0000…U+E007F. The joiners U+200C and U+200D are
// among them: some scripts and emoji look worse without them, but two names that differ in them look the same.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace store {

// Whether the Unicode scalar value is one of those above; newline and tab are, too.
[[nodiscard]] bool is_deceptive(uint32_t scalar);

// Newline and tab stay; control characters and bytes that are no UTF-8 become \xNN a byte, the others \u{XXXX}.
[[nodiscard]] std::string printable(std::string_view text);

// One line for one place: newline and tab become \x0a and \x09, too.
[[nodiscard]] std::string printable_line(std::string_view text);

// In the text of a JSON value whose strings have no raw C0 control characters: the others become \uXXXX. The value is
// the same.
[[nodiscard]] std::string printable_json(std::string_view text);

enum class Colour : uint8_t { drop, keep };
// A line of a builder's output, without newline. SGR sequences («ESC [ 1 ; 31 m») set the colour with Colour::keep,
// after which it is reset at the end, and vanish with Colour::drop; one that conceals text vanishes in both. Everything
// else is as in printable(); tabs stay.
[[nodiscard]] std::string printable_log_line(std::string_view line, Colour colour);

// What a terminal would be left with of a line in which carriage returns begin it again, as progress bars do.
[[nodiscard]] std::string_view last_overwritten(std::string_view line);

} // namespace store
