// Rendering errors for people and for programs.
#include "derivations/lang/errors.hpp"
#include "store/base/json_text.hpp"

namespace lang {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::parse: return "parse";
  case ErrorKind::undefined_variable: return "undefined-variable";
  case ErrorKind::missing_attribute: return "missing-attribute";
  case ErrorKind::type: return "type";
  case ErrorKind::call: return "call";
  case ErrorKind::thrown: return "thrown";
  case ErrorKind::assertion: return "assertion";
  case ErrorKind::abort: return "abort";
  case ErrorKind::infinite_recursion: return "infinite-recursion";
  case ErrorKind::stack_overflow: return "stack-overflow";
  case ErrorKind::limit: return "limit";
  case ErrorKind::arithmetic: return "arithmetic";
  case ErrorKind::io: return "io";
  case ErrorKind::store: return "store";
  case ErrorKind::restricted: return "restricted";
  case ErrorKind::unsupported: return "unsupported";
  case ErrorKind::value: return "value";
  }
  return "unknown";
}

std::string Position::to_string() const {
  return known() ? file + ":" + std::to_string(line) + ":" + std::to_string(column) : std::string{};
}

namespace {

struct Paint {
  bool on;
  [[nodiscard]] std::string operator()(const char* code, const std::string& text) const {
    return on ? std::string{"\x1b["} + code + "m" + text + "\x1b[0m" : text;
  }
};

// The source line with a caret under the column. Tabs are kept, so that the caret lines up; a long line is cut to
// what surrounds the column.
void render_excerpt(std::string& out, const Position& position, const Paint& paint) {
  constexpr size_t kWidth = 120;
  std::string_view line = position.source_line;
  const size_t column = position.column - 1;
  if (column > line.size()) return;
  const size_t from = column > kWidth - 20 ? column - (kWidth - 20) : 0;
  const std::string number = std::to_string(position.line);
  std::string pad;
  for (const char c : line.substr(from, column - from)) pad += c == '\t' ? '\t' : ' ';
  out += "  " + paint("2", number + " | ") + std::string{line.substr(from, kWidth)} + "\n";
  out += "  " + std::string(number.size(), ' ') + paint("2", " | ") + pad + paint("1;31", "^") + "\n";
}

void append_json_position(std::string& out, const Position& position) {
  out += R"("position":{"file":)";
  store::append_json_string(out, position.file);
  out += ",\"line\":" + std::to_string(position.line) + ",\"column\":" + std::to_string(position.column) + "}";
}

} // namespace

std::string render_error(const EvalError& error, bool colour) {
  const Paint paint{colour};
  std::string out = paint("1;31", "error:") + " " + error.what() + "\n";
  if (error.position().known()) {
    out += "  at " + paint("36", error.position().to_string()) + "\n";
    render_excerpt(out, error.position(), paint);
  }
  if (!error.hint().empty()) out += "  " + paint("32", "hint:") + " " + error.hint() + "\n";
  for (const TraceFrame& frame : error.trace()) {
    out += "  " + frame.text;
    if (frame.position.known()) out += " at " + paint("36", frame.position.to_string());
    out += "\n";
  }
  if (error.dropped_frames()) out += "  … and " + std::to_string(error.dropped_frames()) + " more\n";
  return out;
}

std::string error_to_json(const EvalError& error) {
  std::string out = R"({"error":{"kind":)";
  store::append_json_string(out, to_string(error.kind()));
  out += ",\"message\":";
  store::append_json_string(out, error.what());
  if (!error.hint().empty()) {
    out += ",\"hint\":";
    store::append_json_string(out, error.hint());
  }
  if (error.position().known()) {
    out += ",";
    append_json_position(out, error.position());
  }
  out += ",\"trace\":[";
  for (size_t i = 0; i < error.trace().size(); ++i) {
    const TraceFrame& frame = error.trace()[i];
    out += i ? ",{\"text\":" : "{\"text\":";
    store::append_json_string(out, frame.text);
    if (frame.position.known()) {
      out += ",";
      append_json_position(out, frame.position);
    }
    out += "}";
  }
  return out + "]}}";
}

} // namespace lang
