#include "store/base/printable_text.hpp"
#include "store/base/utf8.hpp"
#include <algorithm>
#include <array>
#include <utility>

namespace store {
namespace {

struct Range {
  uint32_t first, last;
};
constexpr std::array kDeceptive{
    Range{0x00, 0x1f},     Range{0x7f, 0x9f},     Range{0xad, 0xad},       Range{0x61c, 0x61c},
    Range{0x180e, 0x180e}, Range{0x200b, 0x200f}, Range{0x2028, 0x202e},   Range{0x2060, 0x206f},
    Range{0xfeff, 0xfeff}, Range{0xfff9, 0xfffb}, Range{0xe0000, 0xe007f},
};

constexpr size_t kMaxSgrBytes = 64;
constexpr std::string_view kReset = "\033[0m";

void append_hex(std::string& out, uint32_t number, int digits) {
  for (int i = digits; i-- > 0;) out += "0123456789abcdef"[number >> 4 * i & 0xf];
}

void append_bytes_escaped(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) append_hex(out += "\\x", static_cast<unsigned char>(byte), 2);
}

// Appends the first character of `text`, as itself or escaped, and returns its bytes.
size_t append_printable(std::string& out, std::string_view text, std::string_view kept_controls) {
  const size_t length = utf8_sequence_length(text);
  const std::string_view taken = text.substr(0, std::max<size_t>(length, 1));
  const uint32_t scalar = length == 0 ? 0 : decode_utf8(taken);
  if (length == 1 && kept_controls.contains(text[0]))
    out += text[0];
  else if (length == 0 || (is_deceptive(scalar) && scalar < 0xa0))
    append_bytes_escaped(out, taken);
  else if (is_deceptive(scalar)) {
    append_hex(out += "\\u{", scalar, scalar < 0x10000 ? 4 : 5);
    out += '}';
  } else
    out += taken;
  return taken.size();
}

std::string all_printable(std::string_view text, std::string_view kept_controls) {
  std::string out;
  while (!text.empty()) text.remove_prefix(append_printable(out, text, kept_controls));
  return out;
}

// The bytes of the SGR sequence at the start of `text`, 0 where there is none.
size_t sgr_length(std::string_view text) {
  if (!text.starts_with("\033[")) return 0;
  const size_t end = text.substr(0, kMaxSgrBytes).find_first_not_of("0123456789;:", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

// `parameters` between «ESC [» and «m». Colours have parameters of their own: 38;5;8 is a colour, 8 conceals.
bool conceals(std::string_view parameters) {
  bool after_colour = false;
  unsigned skipped = 0;
  while (!parameters.empty()) {
    const std::string_view word = parameters.substr(0, parameters.find(';'));
    unsigned number = 0;
    for (const char digit : word.substr(0, word.find(':'))) number = std::min(number * 10 + (digit - '0'), 1000u);
    if (skipped > 0)
      --skipped;
    else if (std::exchange(after_colour, false))
      skipped = number == 5 ? 1 : number == 2 ? 3 : 0;
    else if (number == 8)
      return true;
    else
      after_colour = (number == 38 || number == 48 || number == 58) && !word.contains(':');
    parameters.remove_prefix(std::min(word.size() + 1, parameters.size()));
  }
  return false;
}

void append_json_escape(std::string& out, uint32_t scalar) {
  if (scalar < 0x10000) return append_hex(out += "\\u", scalar, 4);
  append_hex(out += "\\u", 0xd800 + ((scalar - 0x10000) >> 10), 4);
  append_hex(out += "\\u", 0xdc00 + (scalar & 0x3ff), 4);
}

} // namespace

bool is_deceptive(uint32_t scalar) {
  return std::ranges::any_of(kDeceptive,
                             [&](const Range& range) { return scalar >= range.first && scalar <= range.last; });
}

std::string printable(std::string_view text) { return all_printable(text, "\n\t"); }

std::string printable_line(std::string_view text) { return all_printable(text, ""); }

std::string printable_json(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_sequence_length(text);
    const std::string_view taken = text.substr(0, std::max<size_t>(length, 1));
    const uint32_t scalar = length == 0 ? 0 : decode_utf8(taken);
    if (length == 0 || scalar < 0x7f || !is_deceptive(scalar))
      out += taken;
    else
      append_json_escape(out, scalar);
    text.remove_prefix(taken.size());
  }
  return out;
}

std::string printable_log_line(std::string_view line, Colour colour) {
  std::string out;
  bool coloured = false;
  while (!line.empty()) {
    const size_t sgr = sgr_length(line);
    if (sgr == 0) {
      line.remove_prefix(append_printable(out, line, "\t"));
      continue;
    }
    if (colour == Colour::keep && !conceals(line.substr(2, sgr - 3))) {
      out += line.substr(0, sgr);
      coloured = true;
    }
    line.remove_prefix(sgr);
  }
  if (coloured) out += kReset;
  return out;
}

std::string_view last_overwritten(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line.substr(line.rfind('\r') + 1); // npos + 1: all of it
}

} // namespace store
