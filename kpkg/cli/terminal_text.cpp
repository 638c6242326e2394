#include "kpkg/cli/terminal_text.hpp"
#include "store/base/utf8.hpp"
#include <algorithm>

namespace kpkg {

namespace {

// Columns that a character takes at most. Latin, Greek, Cyrillic and their neighbours, quotation marks and lines are
// narrow everywhere; of the rest nobody agrees.
size_t max_columns(uint32_t scalar) {
  const bool narrow = scalar < 0x1100 || (scalar >= 0x2010 && scalar < 0x2028) || (scalar >= 0x2500 && scalar < 0x2580);
  return narrow ? 1 : 2;
}

} // namespace

std::string printable_message(std::string_view text, size_t indent) {
  const std::string shown = printable(text);
  std::string out;
  for (const char c : shown) {
    out += c;
    if (c == '\n') out.append(indent, ' ');
  }
  return out;
}

std::string printable_log(std::string_view log, store::Colour colour) {
  std::string out;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    out += store::printable_log_line(log.substr(0, end), colour) + "\n";
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return out;
}

std::string clipped(std::string_view text, size_t columns) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  const std::string shown = store::printable_log_line(line, store::Colour::drop);
  size_t end = 0, column = 0;
  while (end < shown.size()) {
    const std::string_view rest = std::string_view(shown).substr(end);
    const std::string_view character = rest.substr(0, store::utf8_sequence_length(rest));
    column += max_columns(store::decode_utf8(character));
    if (column > columns) break;
    end += character.size();
  }
  return shown.substr(0, end);
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = store::utf8_sequence_length(text);
    out += length == 0 ? std::string_view("\uFFFD") : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string wrapped(std::string_view text, size_t columns, size_t indent) {
  std::string out;
  size_t column = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const auto width = static_cast<size_t>(
        std::ranges::count_if(word, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    if (column > 0 && column + 1 + width > columns) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

} // namespace kpkg
