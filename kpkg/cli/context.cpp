#include "kpkg/cli/context.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace kpkg {

std::string json_text(const Json& json, int indent) {
  return store::printable_json(json.dump(indent, ' ', false, Json::error_handler_t::replace));
}

namespace {

bool prints_to_terminal() { return ::isatty(STDOUT_FILENO) != 0; }

void write_result(const std::string& text) {
  if (!text.empty()) std::cout << text << (text.ends_with('\n') ? "" : "\n") << std::flush;
}

} // namespace

fs::path Context::store_root() const { return root.empty() ? store::default_root() : fs::path(root); }

store::LocalStore& Context::store() {
  if (!store_) store_ = std::make_unique<store::LocalStore>(store_root());
  return *store_;
}

void Context::say(const std::string& line) const {
  if (!quiet) std::cerr << printable(line) << std::endl;
}

void Context::say_log_line(std::string_view package, std::string_view line) const {
  const auto kept = colour ? store::Colour::keep : store::Colour::drop;
  if (!quiet) std::cerr << package << "> " << store::printable_log_line(line, kept) << std::endl;
}

void Context::print(const std::string& text, const Json& json_value) const {
  if (json) return write_result(json_text(json_value, 2));
  write_result(prints_to_terminal() ? printable(text) : text);
}

void Context::print_json(const std::string& text) const { write_result(store::printable_json(text)); }

void Context::print_log(const std::string& log, const Json& json_value) const {
  if (json || !prints_to_terminal()) return print(log, json_value);
  write_result(printable_log(log, std::getenv("NO_COLOR") ? store::Colour::drop : store::Colour::keep));
}

} // namespace kpkg
