#include "store/base/json_text.hpp"

namespace store {

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t copied = 0; // what needs no escape is copied in runs
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, at - copied);
    copied = at + 1;
    switch (c) {
    case '"': out.append("\\\""); break;
    case '\\': out.append("\\\\"); break;
    case '\b': out.append("\\b"); break;
    case '\f': out.append("\\f"); break;
    case '\n': out.append("\\n"); break;
    case '\r': out.append("\\r"); break;
    case '\t': out.append("\\t"); break;
    default: out.append("\\u00").push_back(c < 0x10 ? '0' : '1'); out.push_back("0123456789abcdef"[c & 15]);
    }
  }
  out.append(text, copied);
  out.push_back('"');
}

} // namespace store
