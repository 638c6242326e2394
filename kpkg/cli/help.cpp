#include "kpkg/cli/help.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <algorithm>
#include <format>

namespace kpkg {

namespace {

constexpr size_t kColumns = 100;

// Two columns: names, and what they mean.
std::string table(const std::string& title, const std::vector<Mention>& rows) {
  if (rows.empty()) return {};
  size_t width = 0;
  for (const Mention& row : rows) width = std::max(width, row.name.size());
  width = std::min<size_t>(width, 32);
  std::string text = "\n" + title + ":\n";
  for (const auto& [name, meaning] : rows) {
    const size_t indent = 2 + width + 2;
    text += std::format("  {:<{}}  ", name, width);
    if (name.size() > width) text += "\n" + std::string(indent, ' ');
    text += wrapped(meaning, kColumns - indent, indent) + "\n";
  }
  return text;
}

std::string prose(const std::string& text) {
  std::string out;
  for (const std::string& paragraph : paragraphs(text)) out += "\n" + wrapped(paragraph, kColumns, 0) + "\n";
  return out;
}

std::vector<Mention> global_rows(const Program& program) {
  auto rows = rows_of(program.options);
  rows.push_back({"-h, --help", "print what you read"});
  return rows;
}

} // namespace

std::string help(const Program& program) {
  auto options = global_rows(program);
  options.push_back({"--version", "print the version"});
  return wrapped(program.summary, kColumns, 0) + "\n\nUsage: kpkg COMMAND [OPTION…] [ARGUMENT…]\n" +
         prose(program.description) + table("Commands", program.first_words()) + table("Options", options) +
         table("Environment", program.environment) + table("Files", program.files) +
         table("Exit status", rows_of(every_exit_status())) +
         "\nrun and system boot otherwise end with the guest's own status. kpkg COMMAND --help describes a command.\n";
}

std::string help(const Program& program, const Command& command) {
  std::string text =
      capitalised(command.summary) + "\n\nUsage: " + usage_of(command) + "\n" + prose(command.description);
  std::vector<Mention> arguments;
  for (const Positional& positional : command.positionals) {
    std::string meaning = positional.help;
    for (const auto& choice : positional.choices)
      meaning += (&choice == &positional.choices.front() ? ": " : ", ") + choice;
    arguments.push_back({positional.name, meaning});
  }
  text += table("Arguments", arguments) + table("Options", rows_of(command.options)) +
          table("Options of every command", global_rows(program));
  text += "\nExamples:\n";
  for (const Example& example : command.examples)
    text += "  " + example.line + "\n      " + wrapped(example.text, kColumns - 6, 6) + "\n";
  text += table("Environment", environment_of(command)) + table("Files", command.files) +
          table("Exit status", rows_of(exit_statuses(command)));
  if (command.guest) text += prose(std::string(guest_status_text()));
  return text;
}

std::string group_help(const Program& program, std::string_view group) {
  std::string summary;
  std::vector<Mention> rows;
  for (const Group& record : program.groups)
    if (record.name == group) summary = record.summary;
  for (const Command* command : program.members(group))
    rows.push_back({command->name.substr(group.size() + 1), command->summary});
  return std::format("{}\n\nUsage: kpkg {} COMMAND [OPTION…] [ARGUMENT…]\n", capitalised(summary), group) +
         table("Commands", rows) + table("Options of every command", global_rows(program)) +
         std::format("\nkpkg {} COMMAND --help describes a command.\n", group);
}

} // namespace kpkg
