#include "kpkg/cli/command.hpp"
#include <algorithm>
#include <cctype>

namespace kpkg {

std::string Option::default_text() const {
  if (const auto* text = std::get_if<std::string*>(&target)) return **text;
  if (const auto* number = std::get_if<unsigned*>(&target); number && **number != 0) return std::to_string(**number);
  if (const auto* number = std::get_if<uint64_t*>(&target); number && **number != 0 && **number != ~uint64_t{0})
    return std::to_string(**number);
  return {};
}

const Command* Program::find(std::string_view name) const {
  const auto found = std::ranges::find(commands, name, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

std::vector<Mention> Program::first_words() const {
  std::vector<Mention> words;
  for (const Command& command : commands) {
    const std::string first = command.name.substr(0, command.name.find(' '));
    if (std::ranges::contains(words, first, &Mention::name)) continue;
    const auto group = std::ranges::find(groups, first, &Group::name);
    words.push_back({first, group == groups.end() ? command.summary : group->summary});
  }
  return words;
}

std::vector<const Command*> Program::members(std::string_view group) const {
  std::vector<const Command*> found;
  for (const Command& command : commands)
    if (command.name.starts_with(std::string(group) + " ")) found.push_back(&command);
  return found;
}

std::string usage_of(const Command& command) {
  std::string usage = "kpkg " + command.name;
  for (const Option& option : command.options)
    if (option.required) usage += " " + option.long_name() + " " + option.value_name;
  if (std::ranges::any_of(command.options, [](const Option& option) { return !option.required; }))
    usage += " [OPTION…]";
  for (const Positional& positional : command.positionals) {
    std::string name;
    for (const char c : positional.name) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (positional.repeatable()) name += "…";
    usage += positional.required ? " " + name : " [" + name + "]";
  }
  return usage;
}

std::vector<ExitStatus> exit_statuses(const Command& command) {
  std::vector<ExitStatus> statuses{ExitStatus::success, ExitStatus::usage};
  for (const auto code : command.errors) statuses.push_back(exit_status(code));
  std::ranges::sort(statuses);
  return statuses;
}

std::vector<Mention> environment_of(const Command& command) {
  std::vector<Mention> variables;
  for (const Option& option : command.options)
    if (!option.environment.empty()) variables.push_back({option.environment, "stands for " + option.long_name()});
  variables.insert(variables.end(), command.environment.begin(), command.environment.end());
  return variables;
}

std::string full_help(const Option& option) {
  std::string help = option.help;
  if (option.repeatable()) help += "; repeatable";
  if (const std::string text = option.default_text(); !text.empty()) help += "; default: " + text;
  if (!option.environment.empty()) help += "; else $" + option.environment;
  return help;
}

std::vector<std::string> names_of(const Option& option) {
  const size_t comma = option.names.find(',');
  if (comma == std::string::npos) return {option.names};
  return {option.names.substr(0, comma), option.names.substr(comma + 1)};
}

std::vector<std::string> paragraphs(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const size_t end = text.find("\n\n");
    found.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return found;
}

std::string capitalised(std::string_view text) {
  std::string sentence(text);
  if (!sentence.empty()) sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return sentence + ".";
}

std::vector<Mention> rows_of(const std::vector<Option>& options) {
  std::vector<Mention> rows;
  for (const Option& option : options) {
    std::string names;
    for (const auto& name : names_of(option)) names += (names.empty() ? "" : ", ") + name;
    if (!option.value_name.empty()) names += " " + option.value_name;
    rows.push_back({names, full_help(option)});
  }
  return rows;
}

std::vector<Mention> rows_of(std::span<const ExitStatus> statuses) {
  std::vector<Mention> rows;
  for (const ExitStatus status : statuses)
    rows.push_back({std::to_string(static_cast<int>(status)), std::string(meaning(status))});
  return rows;
}

std::string_view guest_status_text() {
  return "Otherwise it ends with the guest's own status, whole, 0 to 255. When a status is kpkg's own, a line that "
         "starts with \"error:\" (with --json an object \"error\") stands on standard error; a guest that ends with "
         "the "
         "same number leaves none.";
}

} // namespace kpkg
