#include "kpkg/cli/parse.hpp"
#include "kpkg/cli/help.hpp"
#include "store/base/suggest.hpp"
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace kpkg {

namespace {

using store::UserError;
using store::UserErrorCode;

struct AddOption {
  CLI::App& app;
  const std::string &names, &help;

  CLI::Option* operator()(bool* flag) const { return app.add_flag(names, *flag, help); }
  CLI::Option* operator()(std::vector<std::string>* list) const {
    auto* option = app.add_option(names, *list, help);
    if (names.starts_with('-')) option->allow_extra_args(false);
    return option;
  }
  CLI::Option* operator()(std::map<std::string, std::string>* pairs) const {
    const auto set = [pairs](const std::vector<std::string>& words) {
      for (size_t i = 0; i + 1 < words.size(); i += 2) (*pairs)[words[i]] = words[i + 1];
    };
    return app.add_option_function<std::vector<std::string>>(names, set, help)->type_size(2)->allow_extra_args(false);
  }
  CLI::Option* operator()(auto* value) const { return app.add_option(names, *value, help); }
};

void add_options(CLI::App& app, const std::vector<Option>& options) {
  for (const Option& record : options) {
    auto* option = std::visit(AddOption{app, record.names, record.help}, record.target);
    option->required(record.required);
    if (!record.environment.empty()) option->envname(record.environment);
    if (std::holds_alternative<unsigned*>(record.target))
      option->check(CLI::Range(record.range.first, record.range.second));
  }
}

void add_command(CLI::App& app, const Command& command) {
  for (const Positional& record : command.positionals) {
    auto* option = std::visit(AddOption{app, record.name, record.help}, record.target);
    option->required(record.required);
    if (!record.choices.empty()) option->check(CLI::IsMember(record.choices));
  }
  add_options(app, command.options);
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known, const std::string& otherwise) {
  const std::string near = store::nearest_name(word, {known.begin(), known.end()});
  return near.empty() ? otherwise : "did you mean '" + near + "'?";
}

// CLI11 reports an unknown command only as a missing one: name it, and what was probably meant.
void check_command(const Program& program, const std::vector<std::string>& words) {
  std::string group; // the first word, where it is one
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with('-')) {
      for (const Option& option : program.options)
        if (!option.value_name.empty() && word == option.long_name()) ++i;
      continue;
    }
    std::vector<std::string> known;
    if (group.empty())
      for (const auto& [name, summary] : program.first_words()) known.push_back(name);
    else
      for (const Command* member : program.members(group)) known.push_back(member->name.substr(group.size() + 1));
    const std::string subject = group.empty() ? "kpkg" : "kpkg " + group;
    if (!std::ranges::contains(known, word))
      throw UserError(UserErrorCode::usage, subject + " has no command '" + word + "'",
                      did_you_mean(word, known, "the commands are listed by: " + subject + " --help"));
    if (!group.empty() || program.find(word)) return;
    group = word;
  }
}

[[noreturn]] void refuse_extra(const Program& program, const Command* command, const std::string& word) {
  const std::string subject = command ? "kpkg " + command->name : "kpkg";
  std::vector<std::string> known;
  for (const auto* options : {&program.options, command ? &command->options : nullptr})
    if (options)
      for (const Option& option : *options) known.push_back(option.long_name());
  const std::string hint = "it is described by: " + subject + " --help";
  if (!word.starts_with('-'))
    throw UserError(UserErrorCode::usage, subject + " takes no further argument '" + word + "'", hint);
  const std::string name = word.substr(0, word.find('='));
  throw UserError(UserErrorCode::usage, subject + " has no option '" + name + "'", did_you_mean(name, known, hint));
}

} // namespace

bool has_flag(const std::vector<std::string>& words, std::string_view flag) {
  return std::ranges::contains(words.begin(), std::ranges::find(words, "--"), flag);
}

Invocation parse(const Program& program, const std::vector<std::string>& words) {
  check_command(program, words);
  CLI::App app(program.summary, "kpkg");
  app.set_version_flag("--version", "kpkg " + program.version);
  app.require_subcommand(1);
  app.fallthrough();
  add_options(app, program.options);
  std::map<const CLI::App*, const Command*> records;
  std::map<std::string, CLI::App*> groups;
  for (const Command& command : program.commands) {
    CLI::App* parent = &app;
    std::string name = command.name;
    if (const size_t space = name.find(' '); space != std::string::npos) {
      const std::string group = name.substr(0, space);
      const auto [entry, added] = groups.emplace(group, nullptr);
      if (added) (entry->second = app.add_subcommand(group))->require_subcommand(1);
      parent = entry->second;
      name = name.substr(space + 1);
    }
    CLI::App* subcommand = parent->add_subcommand(name);
    add_command(*subcommand, command);
    records[subcommand] = &command;
  }

  const CLI::App* reached = &app; // the innermost command that was named
  const auto find_reached = [&] {
    while (!reached->get_subcommands().empty()) reached = reached->get_subcommands().front();
    const auto record = records.find(reached);
    return record == records.end() ? nullptr : record->second;
  };
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend())); // CLI11 takes them from the back
    return {.command = find_reached()};
  } catch (const CLI::CallForHelp&) {
    const Command* command = find_reached();
    if (command) return {.text = help(program, *command)};
    return {.text = reached == &app ? help(program) : group_help(program, reached->get_name())};
  } catch (const CLI::CallForVersion&) {
    return {.text = "kpkg " + program.version + "\n"};
  } catch (const CLI::ExtrasError& error) {
    const auto extras = app.remaining(true);
    const auto option = std::ranges::find_if(extras, [](const auto& word) { return word.starts_with('-'); });
    const Command* command = find_reached();
    if (extras.empty()) throw UserError(UserErrorCode::usage, error.what());
    refuse_extra(program, command, option == extras.end() ? extras.front() : *option);
  } catch (const CLI::ParseError& error) {
    const Command* command = find_reached();
    const std::string subject = command           ? "kpkg " + command->name
                                : reached == &app ? "kpkg"
                                                  : "kpkg " + reached->get_name();
    throw UserError(UserErrorCode::usage, error.what(), "it is described by: " + subject + " --help");
  }
}

} // namespace kpkg
