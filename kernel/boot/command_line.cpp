#include "kernel/boot/command_line.hpp"

namespace kernel {

std::expected<CommandLine, std::string> CommandLine::parse(std::string_view text) {
  CommandLine result;
  while (true) {
    const size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return result;
    text.remove_prefix(begin);
    const std::string_view option = text.substr(0, text.find_first_of(" \t\r\n"));
    text.remove_prefix(option.size());

    const size_t equals = option.find('=');
    if (equals == std::string_view::npos || equals + 1 == option.size())
      return std::unexpected("\"" + std::string(option) + "\" is not of the form NAME=VALUE");
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = option.substr(equals + 1);
    if (name == "kpkg.key") {
      result.keys.emplace_back(value);
      continue;
    }
    std::string* target = nullptr;
    if (name == "kpkg.generation")
      target = &result.generation;
    else if (name == "test")
      target = &result.test;
    else
      return std::unexpected("unknown option \"" + std::string(name) +
                             "\"; known are kpkg.generation, kpkg.key and test");
    if (!target->empty()) return std::unexpected("option \"" + std::string(name) + "\" is given twice");
    *target = value;
  }
}

} // namespace kernel
