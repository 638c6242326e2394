// Tokens of the language. The longest match wins, as in Nix's scanner, which has surprises that programs rely on:
// «a.b/c» and «1/2» are paths, «x:x» is a URI, «a->b» begins with the identifier «a-».
//
// Strings and paths with interpolation are modes: after string_open, indented_open or a path, the parser asks for
// parts with string_part, indented_part or path_part until they say `end`.
#pragma once
#include "derivations/lang/errors.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace lang {

enum class TokenKind : uint8_t {
  end,
  identifier,
  integer,
  floating,
  string_open,
  indented_open,
  path,
  home_path,
  search_path,
  uri,
  dollar_brace,
  kw_if,
  kw_then,
  kw_else,
  kw_assert,
  kw_with,
  kw_let,
  kw_in,
  kw_rec,
  kw_inherit,
  kw_or,
  brace_open,
  brace_close,
  paren_open,
  paren_close,
  bracket_open,
  bracket_close,
  semicolon,
  colon,
  comma,
  dot,
  assign,
  at,
  question,
  ellipsis,
  equal,
  not_equal,
  less,
  greater,
  less_equal,
  greater_equal,
  logical_and,
  logical_or,
  implies,
  update,
  concatenate,
  plus,
  minus,
  star,
  slash,
  exclamation,
};
[[nodiscard]] std::string_view describe(TokenKind kind); // for error messages: «';'», «an identifier»

struct Token {
  TokenKind kind = TokenKind::end;
  uint32_t start = 0; // offsets in the text
  uint32_t end = 0;
};

// What a string, indented string or path continues with.
enum class PartKind : uint8_t { text, interpolation, end };
struct StringPart {
  PartKind kind = PartKind::end;
  bool counts_for_indentation = false; // indented strings: plain text, not an escape
  std::string text;
  uint32_t start = 0;
};

struct LexError { // caught by the parser, which knows the source
  std::string message;
  uint32_t offset;
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text_(text) {}
  [[nodiscard]] Token next();
  [[nodiscard]] uint32_t offset() const { return at_; }
  void seek(uint32_t offset) { at_ = offset; } // back to where a token ended
  [[nodiscard]] std::string_view text(const Token& token) const {
    return text_.substr(token.start, token.end - token.start);
  }
  [[nodiscard]] StringPart string_part();
  [[nodiscard]] StringPart indented_part();
  [[nodiscard]] StringPart path_part();

private:
  [[nodiscard]] char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  void skip_blank();
  [[nodiscard]] size_t match_path();
  [[nodiscard]] size_t match_uri();
  [[nodiscard]] size_t match_search_path() const;
  [[nodiscard]] size_t match_float() const;
  // Characters of one kind from `begin` to `end`: where a path or address could begin is looked at at every token, and
  // a.a.a… must not be read to its end each time.
  struct Run {
    uint32_t begin = 0, end = 0;
  };
  template <class Is> [[nodiscard]] size_t run_length(Run& run, Is is) const {
    if (at_ < run.begin || at_ >= run.end) {
      run = {at_, at_};
      while (run.end < text_.size() && is(text_[run.end])) ++run.end;
    }
    return run.end - at_;
  }
  std::string_view text_;
  uint32_t at_ = 0;
  Run path_run_, scheme_run_;
};

} // namespace lang
