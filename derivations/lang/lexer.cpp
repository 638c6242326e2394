// The scanner, by hand: one look at the first byte decides what can begin here.
#include "derivations/lang/lexer.hpp"
#include <array>
#include <utility>

namespace lang {

namespace {

enum : uint8_t { kAlpha = 1, kDigit = 2, kPath = 4, kUri = 8, kIdentifier = 16 };
constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  const auto mark = [&](std::string_view chars, uint8_t bits) {
    for (const char c : chars) classes[static_cast<unsigned char>(c)] |= bits;
  };
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kAlpha | kPath | kUri | kIdentifier);
  mark("0123456789", kDigit | kPath | kUri | kIdentifier);
  mark("._-+", kPath);
  mark("_-'", kIdentifier);
  mark("%/?:@&=+$,-_.!~*'", kUri);
  return classes;
}();
bool has(char c, uint8_t bits) { return (kClasses[static_cast<unsigned char>(c)] & bits) != 0; }

constexpr std::pair<std::string_view, TokenKind> kKeywords[] = {
    {"if", TokenKind::kw_if},         {"then", TokenKind::kw_then}, {"else", TokenKind::kw_else},
    {"assert", TokenKind::kw_assert}, {"with", TokenKind::kw_with}, {"let", TokenKind::kw_let},
    {"in", TokenKind::kw_in},         {"rec", TokenKind::kw_rec},   {"inherit", TokenKind::kw_inherit},
    {"or", TokenKind::kw_or},
};

TokenKind keyword_or_identifier(std::string_view word) {
  if (word.size() <= 7)
    for (const auto& [text, kind] : kKeywords)
      if (word == text) return kind;
  return TokenKind::identifier;
}

} // namespace

std::string_view describe(TokenKind kind) {
  switch (kind) {
  case TokenKind::end: return "end of file";
  case TokenKind::identifier: return "an identifier";
  case TokenKind::integer: return "an integer";
  case TokenKind::floating: return "a floating-point number";
  case TokenKind::string_open: return "a string";
  case TokenKind::indented_open: return "an indented string";
  case TokenKind::path:
  case TokenKind::home_path: return "a path";
  case TokenKind::search_path: return "a search path";
  case TokenKind::uri: return "a URI";
  case TokenKind::dollar_brace: return "'${'";
  case TokenKind::kw_if: return "'if'";
  case TokenKind::kw_then: return "'then'";
  case TokenKind::kw_else: return "'else'";
  case TokenKind::kw_assert: return "'assert'";
  case TokenKind::kw_with: return "'with'";
  case TokenKind::kw_let: return "'let'";
  case TokenKind::kw_in: return "'in'";
  case TokenKind::kw_rec: return "'rec'";
  case TokenKind::kw_inherit: return "'inherit'";
  case TokenKind::kw_or: return "'or'";
  case TokenKind::brace_open: return "'{'";
  case TokenKind::brace_close: return "'}'";
  case TokenKind::paren_open: return "'('";
  case TokenKind::paren_close: return "')'";
  case TokenKind::bracket_open: return "'['";
  case TokenKind::bracket_close: return "']'";
  case TokenKind::semicolon: return "';'";
  case TokenKind::colon: return "':'";
  case TokenKind::comma: return "','";
  case TokenKind::dot: return "'.'";
  case TokenKind::assign: return "'='";
  case TokenKind::at: return "'@'";
  case TokenKind::question: return "'?'";
  case TokenKind::ellipsis: return "'...'";
  case TokenKind::equal: return "'=='";
  case TokenKind::not_equal: return "'!='";
  case TokenKind::less: return "'<'";
  case TokenKind::greater: return "'>'";
  case TokenKind::less_equal: return "'<='";
  case TokenKind::greater_equal: return "'>='";
  case TokenKind::logical_and: return "'&&'";
  case TokenKind::logical_or: return "'||'";
  case TokenKind::implies: return "'->'";
  case TokenKind::update: return "'//'";
  case TokenKind::concatenate: return "'++'";
  case TokenKind::plus: return "'+'";
  case TokenKind::minus: return "'-'";
  case TokenKind::star: return "'*'";
  case TokenKind::slash: return "'/'";
  case TokenKind::exclamation: return "'!'";
  }
  return "a token";
}

void Lexer::skip_blank() {
  for (;;) {
    const char c = peek();
    if (at_end()) return;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at_;
    } else if (c == '#') {
      while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
    } else if (c == '/' && peek(1) == '*') {
      const size_t close = text_.find("*/", at_ + 2);
      if (close == std::string_view::npos) throw LexError{"this comment is never closed: '*/' is missing", at_};
      at_ = static_cast<uint32_t>(close + 2);
    } else {
      return;
    }
  }
}

// CHARS*(/CHARS+)+ or CHARS*/ before «${»: the length up to there, including one trailing slash; 0 if no path.
size_t Lexer::match_path() {
  size_t n = run_length(path_run_, [](char c) { return has(c, kPath); });
  if (peek(n) != '/' || !(has(peek(n + 1), kPath) || (peek(n + 1) == '$' && peek(n + 2) == '{'))) return 0;
  while (has(peek(n), kPath) || (peek(n) == '/' && peek(n + 1) != '/' && peek(n + 1) != '*')) ++n;
  return n;
}

size_t Lexer::match_uri() {
  size_t n =
      run_length(scheme_run_, [](char c) { return has(c, kAlpha | kDigit) || c == '+' || c == '-' || c == '.'; });
  if (peek(n) != ':' || !has(peek(n + 1), kUri)) return 0;
  ++n;
  while (has(peek(n), kUri)) ++n;
  return n;
}

size_t Lexer::match_search_path() const { // <CHARS+(/CHARS+)*>
  size_t n = 1;
  for (;;) {
    const size_t start = n;
    while (has(peek(n), kPath)) ++n;
    if (n == start) return 0;
    if (peek(n) == '>') return n + 1;
    if (peek(n) != '/') return 0;
    ++n;
  }
}

size_t Lexer::match_float() const {
  size_t n = 0;
  if (peek() == '.' || (peek() == '0' && peek(1) == '.')) {
    n = peek() == '.' ? 1 : 2;
    if (!has(peek(n), kDigit)) return 0;
  } else {
    if (peek() == '0') return 0;
    while (has(peek(n), kDigit)) ++n;
    if (n == 0 || peek(n) != '.') return 0;
    ++n;
  }
  while (has(peek(n), kDigit)) ++n;
  if (peek(n) == 'e' || peek(n) == 'E') {
    size_t exponent = n + 1;
    if (peek(exponent) == '+' || peek(exponent) == '-') ++exponent;
    if (has(peek(exponent), kDigit)) {
      while (has(peek(exponent), kDigit)) ++exponent;
      n = exponent;
    }
  }
  return n;
}

Token Lexer::next() {
  skip_blank();
  const uint32_t start = at_;
  const auto token = [&](TokenKind kind, size_t length) {
    at_ = start + static_cast<uint32_t>(length);
    return Token{kind, start, at_};
  };
  if (at_end()) return token(TokenKind::end, 0);
  const char c = peek();
  if (has(c, kPath) || c == '/')
    if (const size_t length = match_path()) return token(TokenKind::path, length);
  if (has(c, kAlpha)) {
    if (const size_t length = match_uri()) return token(TokenKind::uri, length);
  }
  if (has(c, kAlpha) || c == '_') {
    size_t n = 1;
    while (has(peek(n), kIdentifier)) ++n;
    return token(keyword_or_identifier(text_.substr(start, n)), n);
  }
  if (has(c, kDigit) || c == '.')
    if (const size_t length = match_float()) return token(TokenKind::floating, length);
  if (has(c, kDigit)) {
    size_t n = 1;
    while (has(peek(n), kDigit)) ++n;
    return token(TokenKind::integer, n);
  }
  const char d = peek(1);
  switch (c) {
  case '"': return token(TokenKind::string_open, 1);
  case '\'':
    if (d == '\'') { // the opening may be followed by blanks and a newline, which are not part of the string
      size_t n = 2;
      while (peek(n) == ' ') ++n;
      return token(TokenKind::indented_open, peek(n) == '\n' ? n + 1 : 2);
    }
    break;
  case '~':
    if (d == '/' && (has(peek(2), kPath) || (peek(2) == '$' && peek(3) == '{'))) {
      size_t n = 1;
      while (has(peek(n), kPath) || (peek(n) == '/' && peek(n + 1) != '/')) ++n;
      return token(TokenKind::home_path, n);
    }
    break;
  case '$':
    if (d == '{') return token(TokenKind::dollar_brace, 2);
    break;
  case '{': return token(TokenKind::brace_open, 1);
  case '}': return token(TokenKind::brace_close, 1);
  case '(': return token(TokenKind::paren_open, 1);
  case ')': return token(TokenKind::paren_close, 1);
  case '[': return token(TokenKind::bracket_open, 1);
  case ']': return token(TokenKind::bracket_close, 1);
  case ';': return token(TokenKind::semicolon, 1);
  case ':': return token(TokenKind::colon, 1);
  case ',': return token(TokenKind::comma, 1);
  case '.': return d == '.' && peek(2) == '.' ? token(TokenKind::ellipsis, 3) : token(TokenKind::dot, 1);
  case '=': return d == '=' ? token(TokenKind::equal, 2) : token(TokenKind::assign, 1);
  case '@': return token(TokenKind::at, 1);
  case '?': return token(TokenKind::question, 1);
  case '!': return d == '=' ? token(TokenKind::not_equal, 2) : token(TokenKind::exclamation, 1);
  case '<':
    if (const size_t length = match_search_path()) return token(TokenKind::search_path, length);
    return d == '=' ? token(TokenKind::less_equal, 2) : token(TokenKind::less, 1);
  case '>': return d == '=' ? token(TokenKind::greater_equal, 2) : token(TokenKind::greater, 1);
  case '&':
    if (d == '&') return token(TokenKind::logical_and, 2);
    break;
  case '|':
    if (d == '|') return token(TokenKind::logical_or, 2);
    break;
  case '-': return d == '>' ? token(TokenKind::implies, 2) : token(TokenKind::minus, 1);
  case '/': return d == '/' ? token(TokenKind::update, 2) : token(TokenKind::slash, 1);
  case '+': return d == '+' ? token(TokenKind::concatenate, 2) : token(TokenKind::plus, 1);
  case '*': return token(TokenKind::star, 1);
  default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  std::string shown = byte >= 0x20 && byte < 0x7f ? std::string{"'"} + c + "'"
                                                  : std::string{"byte 0x"} + kHex[byte >> 4] + kHex[byte & 15];
  throw LexError{"unexpected " + shown, start};
}

StringPart Lexer::string_part() {
  StringPart part{PartKind::text, false, {}, at_};
  const uint32_t start = at_;
  for (;;) {
    if (at_end()) throw LexError{"this string is never closed: '\"' is missing", start};
    const char c = peek();
    if (c == '"' || (c == '$' && peek(1) == '{')) {
      if (!part.text.empty()) return part;
      part.kind = c == '"' ? PartKind::end : PartKind::interpolation;
      at_ += c == '"' ? 1 : 2;
      return part;
    }
    ++at_;
    if (c == '\\') {
      if (at_end()) continue; // reported as never closed
      const char escaped = peek();
      ++at_;
      part.text += escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped == 't' ? '\t' : escaped;
    } else if (c == '$') { // a dollar protects the next one: "$${x}" is text
      part.text += '$';
      if (peek() == '$') {
        part.text += '$';
        ++at_;
      }
    } else if (c == '\r') { // line ends are normalised
      part.text += '\n';
      if (peek() == '\n') ++at_;
    } else {
      part.text += c;
    }
  }
}

StringPart Lexer::indented_part() {
  StringPart part{PartKind::text, true, {}, at_};
  const uint32_t start = at_;
  const auto escape = [&](std::string text, uint32_t length) {
    part.text = std::move(text);
    part.counts_for_indentation = false;
    at_ += length;
    return part;
  };
  for (;;) {
    if (at_end()) throw LexError{"this indented string is never closed: \"''\" is missing", start};
    const char c = peek(), d = peek(1), e = peek(2);
    if (c == '$' && (d == '{' || d == '\'')) {
      if (!part.text.empty()) return part;
      if (d == '\'') return escape("$", 1);
      part.kind = PartKind::interpolation;
      at_ += 2;
      return part;
    }
    if (c == '$') { // with the byte after it: «$$» protects the second
      part.text += c;
      ++at_;
      if (!at_end()) {
        part.text += d;
        ++at_;
      }
      continue;
    }
    if (c == '\'' && (d == '\'' || d == '$')) {
      if (!part.text.empty()) return part;
      if (d == '$') return escape("'", 1);
      if (e == '$') return escape("$", 3);
      if (e == '\'') return escape("''", 3);
      if (e == '\\') {
        if (at_ + 3 >= text_.size()) throw LexError{"this indented string is never closed: \"''\" is missing", start};
        const char escaped = peek(3);
        return escape(std::string(1, escaped == 'n'   ? '\n'
                                     : escaped == 'r' ? '\r'
                                     : escaped == 't' ? '\t'
                                                      : escaped),
                      4);
      }
      part.kind = PartKind::end;
      at_ += 2;
      return part;
    }
    part.text += c;
    ++at_;
    if (c == '\'' && !at_end()) { // a lone quote takes the next byte with it
      part.text += d;
      ++at_;
    }
  }
}

StringPart Lexer::path_part() {
  StringPart part{PartKind::end, false, {}, at_};
  if (peek() == '$' && peek(1) == '{') {
    part.kind = PartKind::interpolation;
    at_ += 2;
    return part;
  }
  while (has(peek(), kPath) || (peek() == '/' && peek(1) != '*' && peek(1) != '/')) part.text += text_[at_++];
  if (!part.text.empty()) part.kind = PartKind::text;
  return part;
}

} // namespace lang
