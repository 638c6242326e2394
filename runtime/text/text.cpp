// A source that holds one module: «(module $id? …)» or its fields alone.
#include "runtime/text/text.hpp"
#include "runtime/text/module_parser.hpp"

namespace runtime {

Result<std::vector<std::byte>> parse_wat(std::string_view source) {
  std::vector<text::Token> tokens = TRY(text::lex(source));
  text::Cursor cursor(source, tokens);
  bool wrapped = cursor.accept_form("module");
  std::string name;
  if (wrapped && cursor.kind() == text::TokenKind::id) {
    std::string_view id = cursor.text(cursor.next()).substr(1);
    name = id.starts_with('"') ? text::unescape(id) : std::string(id);
  }
  std::vector<std::byte> binary = TRY(text::parse_module_fields(cursor, name));
  if (wrapped) TRY_VOID(cursor.expect_right());
  if (cursor.kind() != text::TokenKind::end) return cursor.unexpected();
  return binary;
}

} // namespace runtime
