#include "kpkg/cli/edge.hpp"
#include "derivations/lang/errors.hpp"
#include "kpkg/cli/exit_status.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <iostream>

namespace kpkg {

namespace {

using store::UserErrorCode;

void tell(const Context& context, std::string_view kind, const std::string& message, const std::string& hint) {
  if (context.json) {
    Json error{{"kind", kind}, {"message", message}};
    if (!hint.empty()) error["hint"] = hint;
    std::cerr << json_text(Json{{"error", error}}) << std::endl;
    return;
  }
  const char* bold = context.colour ? "\033[1;31m" : "";
  const char* plain = context.colour ? "\033[0m" : "";
  std::cerr << bold << "error:" << plain << ' ' << printable_message(message, 2) << std::endl;
  if (!hint.empty()) std::cerr << "hint: " << printable_message(hint, 2) << std::endl;
}

// The same error with nothing in it that would command a terminal.
lang::EvalError printable_error(const lang::EvalError& error) {
  const auto at = [](lang::Position position) {
    position.file = store::printable_line(position.file);
    position.source_line = printable(position.source_line);
    return position;
  };
  constexpr size_t kIndent = 4; // render_error's own lines have two
  lang::EvalError shown(error.kind(), printable_message(error.what(), kIndent), at(error.position()),
                        printable_message(error.hint(), kIndent));
  for (const auto& frame : error.trace())
    shown.add_frame({.position = at(frame.position), .text = printable_message(frame.text, kIndent)});
  for (uint64_t i = 0; i < error.dropped_frames(); ++i) shown.drop_frame();
  return shown;
}

void tell(const Context& context, const lang::EvalError& error) {
  std::cerr << (context.json ? store::printable_json(valid_utf8(lang::error_to_json(error))) + "\n"
                             : lang::render_error(printable_error(error), context.colour))
            << std::flush;
}

// What is being handled, told; its code.
UserErrorCode tell_current(const Context& context) {
  try {
    throw;
  } catch (const lang::EvalError& error) {
    tell(context, error);
    return UserErrorCode::evaluation;
  } catch (const store::UserError& error) {
    tell(context, kind_name(error.code()), error.what(), error.hint());
    return error.code();
  } catch (const std::exception& error) {
    tell(context, "internal", error.what(), "");
    return UserErrorCode::failed;
  }
}

} // namespace

int run_to_exit_status(Context& context, const std::function<void()>& work) {
  try {
    work();
    return context.guest_status.value_or(static_cast<int>(ExitStatus::success));
  } catch (...) {
    return static_cast<int>(exit_status(tell_current(context)));
  }
}

} // namespace kpkg
