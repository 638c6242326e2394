#include "kpkg/cli/context.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <iostream>
#include <unistd.h>

namespace kpkg {

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

fs::path Context::store_root() const { return root.empty() ? store::default_root() : fs::path(root); }

store::LocalStore& Context::store() {
  if (!store_) store_ = std::make_unique<store::LocalStore>(store_root());
  return *store_;
}

void Context::say(const std::string& line) const {
  if (!quiet) std::cerr << printable(line) << std::endl;
}

void Context::print(const std::string& text, const Json& json_value) const {
  if (json) {
    std::cout << json_text(json_value, 2) << std::endl;
    return;
  }
  if (text.empty()) return;
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  std::cout << (terminal ? printable(text) : text) << (text.ends_with('\n') ? "" : "\n") << std::flush;
}

} // namespace kpkg
