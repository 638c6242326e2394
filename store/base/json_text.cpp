#include "store/base/json_text.hpp"

namespace store {

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
    case '"': out.append("\\\""); break;
    case '\\': out.append("\\\\"); break;
    case '\b': out.append("\\b"); break;
    case '\f': out.append("\\f"); break;
    case '\n': out.append("\\n"); break;
    case '\r': out.append("\\r"); break;
    case '\t': out.append("\\t"); break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        out.append("\\u00").push_back(c < 0x10 ? '0' : '1');
        out.push_back("0123456789abcdef"[c & 15]);
      } else {
        out.push_back(c);
      }
    }
  }
  out.push_back('"');
}

} // namespace store
