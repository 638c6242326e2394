#include "runtime/text/lexer.hpp"
#include "store/base/utf8.hpp"
#include <algorithm>
#include <array>

namespace runtime::text {

namespace {

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<bool, 256> kIdChar = [] {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-./:<=>?@\\^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
constexpr bool is_id_char(char c) { return kIdChar[static_cast<unsigned char>(c)]; }

class Lexer {
public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    tokens_.reserve(source_.size() / 4 + 1);
    while (true) {
      TRY_VOID(skip_space());
      if (done()) break;
      TRY_VOID(token());
    }
    add(TokenKind::end, source_.size());
    return std::move(tokens_);
  }

private:
  bool done() const { return position_ == source_.size(); }
  bool at(std::string_view text) const { return source_.substr(position_).starts_with(text); }
  char peek() const { return source_[position_]; }

  std::unexpected<Error> fail(const char* message, size_t offset) const {
    return std::unexpected(error_at(source_, offset, message));
  }
  std::unexpected<Error> illegal_character() const {
    bool ascii = static_cast<unsigned char>(peek()) < 0x80;
    return fail(ascii || store::utf8_sequence_length(source_.substr(position_)) != 0 ? "illegal character"
                                                                                     : "malformed UTF-8 encoding",
                position_);
  }

  void add(TokenKind kind, size_t begin) {
    tokens_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(position_ - begin), kind});
  }

  // One character of a comment; anything but broken UTF-8 is fine there.
  Result<void> comment_character() {
    size_t length = store::utf8_sequence_length(source_.substr(position_));
    if (length == 0) return fail("malformed UTF-8 encoding", position_);
    position_ += length;
    return {};
  }

  // White space, comments, annotations.
  Result<void> skip_space() {
    while (!done()) {
      char c = peek();
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        ++position_;
      } else if (at(";;")) {
        while (!done() && peek() != '\n' && peek() != '\r') TRY_VOID(comment_character());
      } else if (at("(;")) {
        TRY_VOID(block_comment());
      } else if (at("(@")) {
        TRY_VOID(annotation());
      } else {
        return {};
      }
    }
    return {};
  }

  Result<void> block_comment() {
    size_t begin = position_;
    size_t depth = 0;
    do {
      if (done()) return fail("unclosed comment", begin);
      if (at("(;")) {
        ++depth;
        position_ += 2;
      } else if (at(";)")) {
        --depth;
        position_ += 2;
      } else {
        TRY_VOID(comment_character());
      }
    } while (depth != 0);
    return {};
  }

  // `(@id …)`: any tokens with balanced parentheses. Annotations never change what a module means (spec §6.3.6).
  Result<void> annotation() {
    size_t begin = position_;
    position_ += 2;
    if (!done() && peek() == '"') {
      size_t quote = position_;
      TRY_VOID(string());
      std::string id = unescape(source_.substr(quote, position_ - quote));
      if (id.empty()) return fail("empty annotation id", begin);
      if (!store::is_utf8(id)) return fail("malformed UTF-8 encoding", quote);
    } else {
      size_t name = position_;
      while (!done() && is_id_char(peek())) ++position_;
      if (position_ == name) return fail("empty annotation id", begin);
    }
    size_t depth = 1;
    while (depth != 0) {
      if (done()) return fail("unclosed annotation", begin);
      char c = peek();
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        ++position_;
      } else if (at(";;")) {
        while (!done() && peek() != '\n' && peek() != '\r') TRY_VOID(comment_character());
      } else if (at("(;")) {
        TRY_VOID(block_comment());
      } else if (c == '(') {
        ++depth;
        ++position_;
      } else if (c == ')') {
        --depth;
        ++position_;
      } else if (c == '"') {
        TRY_VOID(string());
      } else if (is_id_char(c) || is_punctuation(c)) {
        ++position_;
      } else {
        return illegal_character();
      }
    }
    return {};
  }

  static bool is_punctuation(char c) { return std::string_view(",;[]{}").contains(c); }

  // From the opening to behind the closing quote.
  Result<void> string() {
    size_t begin = position_++;
    while (true) {
      if (done() || peek() == '\n') return fail("unclosed string", begin);
      char c = peek();
      if (c == '"') {
        ++position_;
        return {};
      }
      if (c == '\\') {
        TRY_VOID(escape());
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        return fail("illegal character in string", position_);
      } else {
        TRY_VOID(comment_character());
      }
    }
  }

  Result<void> escape() {
    size_t begin = position_++;
    if (done()) return fail("unclosed string", begin);
    char c = source_[position_++];
    if (std::string_view("tnr\"'\\").contains(c)) return {};
    if (c == 'u') {
      if (done() || peek() != '{') return fail("illegal escape", begin);
      ++position_;
      uint32_t scalar = 0;
      bool after_digit = false;
      while (!done() && (hex_value(peek()) >= 0 || (peek() == '_' && after_digit))) {
        after_digit = peek() != '_';
        if (after_digit) scalar = scalar << 4 | static_cast<uint32_t>(hex_value(peek()));
        if (scalar > 0x10ffff) return fail("illegal escape", begin);
        ++position_;
      }
      if (!after_digit || done() || peek() != '}') return fail("illegal escape", begin);
      if (scalar >= 0xd800 && scalar < 0xe000) return fail("illegal escape", begin);
      ++position_;
      return {};
    }
    if (hex_value(c) < 0 || done() || hex_value(peek()) < 0) return fail("illegal escape", begin);
    ++position_;
    return {};
  }

  Result<void> token() {
    size_t begin = position_;
    char first = peek();
    if (first == '(' || first == ')') {
      ++position_;
      add(first == '(' ? TokenKind::left : TokenKind::right, begin);
      return {};
    }
    if (is_punctuation(first)) {
      ++position_;
      add(TokenKind::reserved, begin);
      return {};
    }
    size_t strings = 0, string_begin = 0, string_end = 0; // of the last one
    while (!done()) {
      if (is_id_char(peek())) {
        ++position_;
      } else if (peek() == '"') {
        ++strings;
        string_begin = position_;
        TRY_VOID(string());
        string_end = position_;
      } else {
        break;
      }
    }
    if (position_ == begin) return illegal_character();
    TokenKind kind = TokenKind::reserved;
    size_t size = position_ - begin;
    if (strings == 0) {
      if (first == '$') {
        if (size == 1) return fail("empty identifier", begin);
        kind = TokenKind::id;
      } else {
        kind = is_lower(first) ? TokenKind::keyword : TokenKind::atom;
      }
    } else if (strings == 1 && string_begin == begin && string_end == position_) {
      kind = TokenKind::string;
    } else if (strings == 1 && first == '$' && string_begin == begin + 1 && string_end == position_) {
      std::string id = unescape(source_.substr(begin + 1, size - 1));
      if (id.empty()) return fail("empty identifier", begin);
      if (!store::is_utf8(id)) return fail("malformed UTF-8 encoding", begin);
      kind = TokenKind::id;
    }
    add(kind, begin);
    return {};
  }

  std::string_view source_;
  size_t position_ = 0;
  std::vector<Token> tokens_;
};

} // namespace

Result<std::vector<Token>> lex(std::string_view source) {
  if (source.size() > kMaxSourceBytes)
    return std::unexpected(
        Error{.kind = ErrorKind::limit, .message = "text of more than " + std::to_string(kMaxSourceBytes) + " bytes"});
  return Lexer(source).run();
}

std::string unescape(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  for (size_t i = 1; i + 1 < token.size(); ++i) {
    if (token[i] != '\\') {
      out += token[i];
      continue;
    }
    switch (char c = token[++i]) {
    case 't': out += '\t'; break;
    case 'n': out += '\n'; break;
    case 'r': out += '\r'; break;
    case '"':
    case '\'':
    case '\\': out += c; break;
    case 'u': {
      uint32_t scalar = 0;
      for (i += 2; token[i] != '}'; ++i)
        if (token[i] != '_') scalar = scalar << 4 | static_cast<uint32_t>(hex_value(token[i]));
      store::append_utf8(out, scalar);
      break;
    }
    default: out += static_cast<char>(hex_value(c) << 4 | hex_value(token[i + 1])); ++i;
    }
  }
  return out;
}

uint32_t line_of(std::string_view source, uint64_t offset) {
  auto before = source.substr(0, offset);
  return 1 + static_cast<uint32_t>(std::ranges::count(before, '\n'));
}

Error error_at(std::string_view source, uint64_t offset, std::string message) {
  auto before = source.substr(0, offset);
  size_t newline = before.rfind('\n');
  size_t column = newline == before.npos ? before.size() + 1 : before.size() - newline;
  message += " (line " + std::to_string(line_of(source, offset)) + ", column " + std::to_string(column) + ")";
  return Error{.kind = ErrorKind::malformed, .message = std::move(message), .offset = offset};
}

} // namespace runtime::text
