#include "kpkg/cli/markdown.hpp"
#include <algorithm>
#include <format>

namespace kpkg {

namespace {

std::string file_name(std::string_view command) {
  std::string name(command);
  std::ranges::replace(name, ' ', '-');
  return name + ".md";
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string table(std::string_view title, const std::vector<Mention>& rows) {
  if (rows.empty()) return {};
  std::string text = std::format("\n## {}\n\n| | |\n|---|---|\n", title);
  for (const auto& [name, meaning] : rows) text += std::format("| `{}` | {} |\n", name, cell(meaning));
  return text;
}

ManualPage page(const Command& command) {
  std::string text =
      std::format("# kpkg {}\n\n{}\n\n    {}\n", command.name, capitalised(command.summary), usage_of(command));
  if (!command.description.empty()) text += "\n" + command.description + "\n";
  std::vector<Mention> arguments;
  for (const Positional& positional : command.positionals) {
    std::string meaning = positional.help;
    for (const auto& choice : positional.choices)
      meaning += (&choice == &positional.choices.front() ? ": " : ", ") + choice;
    arguments.push_back({positional.name, meaning});
  }
  text += table("Arguments", arguments) + table("Options", rows_of(command.options));
  text += "\nOptions of every command are described in [the index](README.md).\n\n## Examples\n";
  for (const Example& example : command.examples)
    text += std::format("\n{}:\n\n    {}\n", capitalised(example.text).substr(0, example.text.size()), example.line);
  text += table("Environment", environment_of(command)) + table("Files", command.files) +
          table("Exit status", rows_of(exit_statuses(command)));
  if (command.guest) text += std::format("\n{}\n", guest_status_text());
  return {file_name(command.name), text};
}

} // namespace

std::vector<ManualPage> markdown_pages(const Program& program) {
  std::string text =
      std::format("# kpkg\n\n{}\n\n{}\n\n## Commands\n\n| | |\n|---|---|\n", program.summary, program.description);
  for (const Command& command : program.commands)
    text += std::format("| [`kpkg {}`]({}) | {} |\n", command.name, file_name(command.name), cell(command.summary));
  text += table("Options of every command", rows_of(program.options)) + table("Environment", program.environment) +
          table("Files", program.files) + table("Exit status", rows_of(every_exit_status())) +
          "\n`run` and `system boot` otherwise end with the guest's own status.\n";
  std::vector<ManualPage> pages{{"README.md", text}};
  for (const Command& command : program.commands) pages.push_back(page(command));
  return pages;
}

} // namespace kpkg
