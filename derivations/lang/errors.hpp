// Errors of the language: what went wrong, where, on the way to what, and what the user may have meant.
//
// An EvalError carries one position (the innermost that says something), a trace of what was being evaluated (innermost
// first, trimmed), and an optional hint. render_error makes the text for people, error_to_json the one for programs;
// both come from the same fields.
#pragma once
#include "store/posix/user_error.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lang {

enum class ErrorKind : uint8_t {
  parse,              // the text is not an expression
  undefined_variable, // found while parsing, before anything is evaluated
  missing_attribute,  // selection of an attribute that is not there
  type,               // a value of another type was needed
  call,               // missing or unexpected arguments
  thrown,             // builtins.throw; catchable by tryEval
  assertion,          // assert; catchable by tryEval
  abort,              // builtins.abort
  infinite_recursion, // a value needs itself
  stack_overflow,     // nested deeper than the evaluator's stack
  limit,              // more time or memory than EvalOptions allow
  arithmetic,         // division by zero, number out of range
  io,                 // a file that cannot be read
  store,              // the store refused something
  restricted,         // not allowed in pure evaluation
  unsupported,        // a feature of Nix that this program does not implement
  value,              // a value of the right type that makes no sense here
};
[[nodiscard]] std::string_view to_string(ErrorKind kind); // "parse", "undefined-variable", …

struct Position {
  std::string file;        // path, or a name such as «string»; empty: no position
  uint32_t line = 0;       // from 1
  uint32_t column = 0;     // from 1, in bytes
  std::string source_line; // without the newline
  [[nodiscard]] bool known() const { return line != 0; }
  [[nodiscard]] std::string to_string() const; // «file:line:col»
};

struct TraceFrame {
  Position position;
  std::string text; // «while calling 'f'»
};

class EvalError : public store::UserError {
public:
  EvalError(ErrorKind kind, const std::string& message, Position position = {}, std::string hint = {})
      : UserError(store::UserErrorCode::evaluation, message, std::move(hint)), kind_(kind),
        position_(std::move(position)) {}

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const std::vector<TraceFrame>& trace() const { return trace_; } // innermost first
  [[nodiscard]] uint64_t dropped_frames() const { return dropped_frames_; }
  // Whether builtins.tryEval turns it into { success = false; … }.
  [[nodiscard]] bool catchable() const { return kind_ == ErrorKind::thrown || kind_ == ErrorKind::assertion; }

  void add_frame(TraceFrame frame) { trace_.push_back(std::move(frame)); }
  void drop_frame() { ++dropped_frames_; }

private:
  ErrorKind kind_;
  Position position_;
  std::vector<TraceFrame> trace_;
  uint64_t dropped_frames_ = 0;
};

// Several lines, each ended by '\n': the error, its place with the source line and a caret, the trace (outermost
// first, as it was reached), the hint. `colour` adds ANSI escapes.
[[nodiscard]] std::string render_error(const EvalError& error, bool colour = false);
// {"error":{"kind","message","hint"?,"position"?:{"file","line","column"},"trace":[{"text","position"?}…]}}
[[nodiscard]] std::string error_to_json(const EvalError& error);

} // namespace lang
