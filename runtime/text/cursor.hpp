// Reading position in a token sequence: what every part of the parser shares. Copies are cheap and independent.
#pragma once
#include "runtime/text/lexer.hpp"
#include "runtime/text/literals.hpp"
#include <span>

namespace runtime::text {

class Cursor {
public:
  // `tokens` ends with a token that no grammar rule accepts (`end`, or the parenthesis that closes a module).
  Cursor(std::string_view source, std::span<const Token> tokens) : source_(source), tokens_(tokens) {}

  [[nodiscard]] std::string_view source() const { return source_; }
  [[nodiscard]] const Token& peek(size_t ahead = 0) const {
    return tokens_[position_ + ahead < tokens_.size() ? position_ + ahead : tokens_.size() - 1];
  }
  [[nodiscard]] TokenKind kind(size_t ahead = 0) const { return peek(ahead).kind; }
  [[nodiscard]] std::string_view text(const Token& token) const { return source_.substr(token.offset, token.size); }
  [[nodiscard]] std::string_view text(size_t ahead = 0) const { return text(peek(ahead)); }
  [[nodiscard]] bool at_keyword(std::string_view keyword, size_t ahead = 0) const {
    return kind(ahead) == TokenKind::keyword && text(ahead) == keyword;
  }
  // «(keyword»
  [[nodiscard]] bool at_form(std::string_view keyword) const {
    return kind() == TokenKind::left && at_keyword(keyword, 1);
  }
  [[nodiscard]] bool at_index() const { return kind() == TokenKind::id || is_natural(); }
  // An unsigned number (an identifier-like atom without a sign).
  [[nodiscard]] bool is_natural(size_t ahead = 0) const {
    return kind(ahead) == TokenKind::atom && text(ahead)[0] >= '0' && text(ahead)[0] <= '9';
  }

  [[nodiscard]] size_t position() const { return position_; }
  void seek(size_t position) { position_ = position; }
  void advance(size_t count = 1) { position_ += count; }
  const Token& next() {
    const Token& token = peek();
    advance();
    return token;
  }

  bool accept(TokenKind kind_) {
    if (kind() != kind_) return false;
    advance();
    return true;
  }
  bool accept_keyword(std::string_view keyword) {
    if (!at_keyword(keyword)) return false;
    advance();
    return true;
  }
  bool accept_form(std::string_view keyword) {
    if (!at_form(keyword)) return false;
    advance(2);
    return true;
  }

  [[nodiscard]] std::unexpected<Error> fail(std::string message, const Token& token) const {
    return std::unexpected(error_at(source_, token.offset, std::move(message)));
  }
  [[nodiscard]] std::unexpected<Error> fail(std::string message) const { return fail(std::move(message), peek()); }
  [[nodiscard]] std::unexpected<Error> unexpected() const;
  [[nodiscard]] std::unexpected<Error> unknown_operator(const Token& token) const;

  [[nodiscard]] Result<void> expect_right();
  [[nodiscard]] Result<void> expect_form(std::string_view keyword);
  [[nodiscard]] Result<std::string> string();      // any bytes
  [[nodiscard]] Result<std::string> name();        // UTF-8
  [[nodiscard]] Result<std::string> all_strings(); // concatenated, until something else
  [[nodiscard]] Result<uint64_t> natural(unsigned bits);
  // The value's bits; `parse` says which kind of literal.
  [[nodiscard]] Result<uint64_t> integer(unsigned bits);
  [[nodiscard]] Result<uint64_t> float_bits(unsigned bits);
  // From behind an opening parenthesis to behind the one that closes it.
  [[nodiscard]] Result<void> skip_form();

private:
  [[nodiscard]] Result<uint64_t> checked(Literal literal, const char* type);
  std::string_view source_;
  std::span<const Token> tokens_;
  size_t position_ = 0;
};

} // namespace runtime::text
