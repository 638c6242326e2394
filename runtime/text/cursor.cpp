#include "runtime/text/cursor.hpp"
#include "store/base/utf8.hpp"

namespace runtime::text {

namespace {
// Source text in a message: enough to recognise it.
std::string excerpt(std::string_view text) {
  constexpr size_t kMax = 40;
  return text.size() <= kMax ? std::string(text) : std::string(text.substr(0, kMax)) + "…";
}
} // namespace

std::unexpected<Error> Cursor::unexpected() const {
  const Token& token = peek();
  if (token.kind == TokenKind::reserved) return unknown_operator(token);
  if (token.kind == TokenKind::end) return fail("unexpected token: end of text", token);
  return fail("unexpected token " + excerpt(text(token)), token);
}

std::unexpected<Error> Cursor::unknown_operator(const Token& token) const {
  return fail("unknown operator " + excerpt(text(token)), token);
}

Result<void> Cursor::expect_right() {
  if (!accept(TokenKind::right)) return unexpected();
  return {};
}

Result<void> Cursor::expect_form(std::string_view keyword) {
  if (!accept_form(keyword)) return unexpected();
  return {};
}

Result<std::string> Cursor::string() {
  if (kind() != TokenKind::string) return unexpected();
  return unescape(text(next()));
}

Result<std::string> Cursor::name() {
  const Token& token = peek();
  std::string name = TRY(string());
  if (!store::is_utf8(name)) return fail("malformed UTF-8 encoding", token);
  return name;
}

Result<std::string> Cursor::all_strings() {
  std::string all;
  while (kind() == TokenKind::string) all += TRY(string());
  return all;
}

Result<uint64_t> Cursor::checked(Literal literal, const char* type) {
  if (!literal.error) {
    advance();
    return literal.bits;
  }
  if (*literal.error == LiteralError::range) return fail(std::string(type) + " constant out of range");
  return kind() == TokenKind::atom ? unknown_operator(peek()) : unexpected();
}

Result<uint64_t> Cursor::natural(unsigned bits) {
  return checked(parse_unsigned(text(), bits), bits == 8 ? "u8" : bits == 32 ? "i32" : "i64");
}

Result<uint64_t> Cursor::integer(unsigned bits) {
  const char* type = bits == 8 ? "i8" : bits == 16 ? "i16" : bits == 32 ? "i32" : "i64";
  return checked(parse_integer(text(), bits), type);
}

Result<uint64_t> Cursor::float_bits(unsigned bits) {
  return bits == 32 ? checked(parse_f32(text()), "f32") : checked(parse_f64(text()), "f64");
}

Result<void> Cursor::skip_form() {
  const Token& begin = peek();
  for (size_t depth = 1; depth != 0; advance()) {
    if (kind() == TokenKind::end) return fail("unexpected token: end of text in a form that began here", begin);
    if (kind() == TokenKind::left) ++depth;
    if (kind() == TokenKind::right) --depth;
  }
  return {};
}

} // namespace runtime::text
