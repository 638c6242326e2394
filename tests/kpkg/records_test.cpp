// What holds for every command's record, and that parser, help, completion and manual agree with it.
#include "kpkg/cli/completion.hpp"
#include "kpkg/cli/help.hpp"
#include "kpkg/cli/markdown.hpp"
#include "kpkg/cli/parse.hpp"
#include "kpkg/commands/commands.hpp"
#include <algorithm>
#include <catch2/catch.hpp>

using namespace kpkg;
using Catch::Contains;

namespace {

// The words of an example as a shell splits them: quotes group, a redirection ends the command.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool started = false;
  char quote = 0;
  for (const char c : line) {
    if (quote) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      started = true;
    } else if (c == '>') {
      break;
    } else if (c == ' ') {
      if (started) words.push_back(std::exchange(word, {}));
      started = false;
    } else {
      word += c;
      started = true;
    }
  }
  if (started) words.push_back(word);
  return words;
}

} // namespace

TEST_CASE("every command has a summary, a description, an example and something it reads or does") {
  Context context;
  const Program program = make_program(context);
  for (const Command& command : program.commands) {
    INFO(command.name);
    CHECK(!command.summary.empty());
    CHECK(!command.summary.ends_with('.'));
    CHECK(command.description.ends_with('.'));
    CHECK(!command.examples.empty());
    CHECK(command.run);
    CHECK(std::ranges::contains(exit_statuses(command), ExitStatus::success));
    CHECK(std::ranges::contains(exit_statuses(command), ExitStatus::usage));
    for (const Option& option : command.options) {
      CHECK(!option.help.empty());
      CHECK(option.value_name.empty() == std::holds_alternative<bool*>(option.target));
    }
    for (const Example& example : command.examples) CHECK(!example.text.empty());
    if (const size_t space = command.name.find(' '); space != std::string::npos)
      CHECK(std::ranges::contains(program.groups, command.name.substr(0, space), &Group::name));
  }
}

TEST_CASE("a record's errors are listed once, so that help shows each exit status once") {
  Context context;
  const Program program = make_program(context);
  for (const Command& command : program.commands) {
    INFO(command.name);
    const auto statuses = exit_statuses(command);
    CHECK(std::ranges::adjacent_find(statuses) == statuses.end());
  }
}

TEST_CASE("every example is understood by the parser and leads to its command") {
  Context outer;
  for (const Command& listed : make_program(outer).commands)
    for (const Example& example : listed.examples) {
      INFO(example.line);
      Context context;
      const Program program = make_program(context);
      auto words = shell_words(example.line);
      REQUIRE(words.at(0) == "kpkg");
      words.erase(words.begin());
      const Invocation invocation = parse(program, words);
      REQUIRE(invocation.command);
      CHECK(invocation.command->name == listed.name);
    }
}

TEST_CASE("completion offers the words of the records, in all three shells") {
  Context context;
  const Program program = make_program(context);
  const std::string bash = bash_completion(program), zsh = zsh_completion(program), fish = fish_completion(program);
  for (const Command& command : program.commands) {
    INFO(command.name);
    const auto offered = offered_words(program, command.name);
    for (const Option& option : command.options) {
      CHECK(std::ranges::contains(offered, option.long_name(), &Mention::name));
      CHECK_THAT(bash, Contains(option.long_name()));
      CHECK_THAT(zsh, Contains(option.long_name() + "["));
      CHECK_THAT(fish, Contains(" -l " + option.long_name().substr(2)));
    }
    for (const Positional& positional : command.positionals)
      for (const auto& choice : positional.choices) CHECK(std::ranges::contains(offered, choice, &Mention::name));
  }
  for (const auto& [word, text] : program.first_words())
    CHECK(std::ranges::contains(offered_words(program, ""), word, &Mention::name));
  CHECK(std::ranges::contains(offered_words(program, "system"), "boot", &Mention::name));
}

TEST_CASE("help, manual page and manual name every option, example and exit status of a record") {
  Context context;
  const Program program = make_program(context);
  const auto man = man_pages(program), markdown = markdown_pages(program);
  REQUIRE(man.size() == program.commands.size() + 1);
  REQUIRE(markdown.size() == program.commands.size() + 1);
  for (size_t i = 0; i < program.commands.size(); ++i) {
    const Command& command = program.commands[i];
    INFO(command.name);
    const std::string text = help(program, command);
    for (const Option& option : command.options) {
      CHECK_THAT(text, Contains(option.long_name()));
      CHECK_THAT(markdown[i + 1].text, Contains(option.long_name()));
    }
    for (const Example& example : command.examples) {
      CHECK_THAT(text, Contains(example.line));
      CHECK_THAT(markdown[i + 1].text, Contains(example.line));
    }
    for (const ExitStatus status : exit_statuses(command)) {
      CHECK_THAT(text, Contains(std::string(meaning(status))));
      CHECK_THAT(man[i + 1].text, Contains("\n.It " + std::to_string(static_cast<int>(status)) + "\n"));
    }
  }
  CHECK(man[0].file_name == "kpkg.1");
  CHECK(std::ranges::contains(man, "kpkg-system-build.1", &ManualPage::file_name));
}
