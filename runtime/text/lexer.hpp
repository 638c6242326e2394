// Tokens of the text format (spec §6.3). White space, comments and annotations separate tokens and are gone
// afterwards; strings are checked (escapes, closing quote, UTF-8 of the source) but stay in source form until they are
// asked for.
//
// A token is a maximal run of identifier characters and strings, a parenthesis, or one punctuation character that the
// grammar does not use. Runs that are no identifier, keyword, number or single string are `reserved`: «"a""b"», «$»,
// «0$x».
#pragma once
#include "runtime/types/error.hpp"
#include <span>
#include <string_view>

namespace runtime::text {

enum class TokenKind : uint8_t {
  left,     // (
  right,    // )
  string,   // "…", quotes included
  id,       // $name or $"…"
  keyword,  // starts with a lower-case letter; also inf, nan:…, offset=…
  atom,     // starts with a digit or sign: a number, or reserved (whoever wants the number finds out)
  reserved, // never valid
  end,      // after the last token
};

struct Token {
  uint32_t offset = 0, size = 0; // in the source
  TokenKind kind = TokenKind::end;
};

inline constexpr size_t kMaxSourceBytes = size_t{1} << 28;

// The tokens with a final `end`. Errors: malformed (illegal character, unclosed comment/string/annotation, bad escape,
// UTF-8), limit (source longer than kMaxSourceBytes).
[[nodiscard]] Result<std::vector<Token>> lex(std::string_view source);

// Bytes that a string token stands for.
[[nodiscard]] std::string unescape(std::string_view string_token);

// Malformed at this byte of the source; line and column are appended to the message.
[[nodiscard]] Error error_at(std::string_view source, uint64_t offset, std::string message);

[[nodiscard]] uint32_t line_of(std::string_view source, uint64_t offset); // from 1

} // namespace runtime::text
