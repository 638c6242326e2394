#include "kpkg/cli/mdoc.hpp"
#include <algorithm>
#include <cctype>
#include <format>
#include <ranges>

namespace kpkg {

namespace {

constexpr std::string_view kDate = "November 25, 2026"; // of the last change that matters to a reader

// Running text: backslashes, and dots and apostrophes that begin a line, have a meaning in roff; input is ASCII.
std::string escaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (text.substr(i).starts_with("…")) {
      out += "...";
      i += std::string_view("…").size() - 1;
    } else
      out += c;
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

// Arguments of a macro: quoted, so that no word is taken for a macro's name.
std::string argument(std::string_view text) {
  std::string out = "\"\\&";
  for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return out + "\"";
}

// Sentences stand on lines of their own, as mdoc wants it.
std::string prose(std::string_view text) {
  std::string out;
  for (const std::string& paragraph : paragraphs(text)) {
    if (!out.empty()) out += ".Pp\n";
    std::string_view rest = paragraph;
    while (!rest.empty()) {
      const size_t end = rest.find(". ");
      const std::string_view sentence = rest.substr(0, end == std::string_view::npos ? end : end + 1);
      out += escaped(sentence) + "\n";
      rest.remove_prefix(std::min(rest.size(), sentence.size() + 1));
    }
  }
  return out;
}

std::string page_name(std::string_view command) {
  std::string name = "kpkg";
  if (!command.empty()) name += "-" + std::string(command);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string head(const std::string& name, std::string_view summary) {
  std::string title;
  for (const char c : name) title += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return std::format(".\\\" Made by: kpkg manual\n.Dd {}\n.Dt {} 1\n.Os\n.Sh NAME\n.Nm {}\n.Nd {}\n", kDate, title,
                     name, escaped(summary));
}

// One line «.It Fl …»'s macros of an option: «Fl o , Fl -out Ar FILE».
std::string option_macros(const Option& option) {
  std::string macros;
  for (const auto& name : names_of(option)) macros += (macros.empty() ? "Fl " : " , Fl ") + escaped(name.substr(1));
  if (!option.value_name.empty()) macros += " Ar " + escaped(option.value_name);
  return macros;
}

std::string option_list(const std::vector<Option>& options) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const Option& option : options)
    text += ".It " + option_macros(option) + "\n" + escaped(capitalised(full_help(option))) + "\n";
  return text + ".El\n";
}

std::string mention_list(std::string_view macro, const std::vector<Mention>& mentions) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const auto& [name, meaning] : mentions)
    text += std::format(".It {} {}\n{}\n", macro, argument(name), escaped(capitalised(meaning)));
  return text + ".El\n";
}

std::string status_list(std::span<const ExitStatus> statuses) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const ExitStatus status : statuses)
    text += std::format(".It {}\n{}\n", static_cast<int>(status), escaped(capitalised(meaning(status))));
  return text + ".El\n";
}

std::string synopsis(const Command& command) {
  std::string text = ".Sh SYNOPSIS\n.Nm kpkg\n";
  for (const std::string_view word :
       std::views::split(command.name, ' ') | std::views::transform([](auto part) { return std::string_view(part); }))
    text += ".Cm " + std::string(word) + "\n";
  for (const Option& option : command.options) text += (option.required ? "." : ".Op ") + option_macros(option) + "\n";
  for (const Positional& positional : command.positionals)
    text += (positional.required ? ".Ar " : ".Op Ar ") + escaped(positional.name) +
            (positional.repeatable() ? " ..." : "") + "\n";
  return text;
}

std::string see_also(std::vector<std::string> names) {
  std::ranges::sort(names);
  std::string text = ".Sh SEE ALSO\n";
  for (const auto& name : names) text += std::format(".Xr {} 1{}\n", name, &name == &names.back() ? "" : " ,");
  return text;
}

ManualPage page(const Program& program, const Command& command) {
  const std::string name = page_name(command.name);
  std::string text = head(name, command.summary) + synopsis(command) + ".Sh DESCRIPTION\n" +
                     (command.description.empty() ? prose(capitalised(command.summary)) : prose(command.description));
  if (!command.positionals.empty()) {
    text += ".Pp\nThe arguments are:\n.Bl -tag -width Ds\n";
    for (const Positional& positional : command.positionals) {
      std::string meaning = positional.help;
      for (const auto& choice : positional.choices)
        meaning += (&choice == &positional.choices.front() ? ": " : ", ") + choice;
      text += ".It Ar " + escaped(positional.name) + "\n" + escaped(capitalised(meaning)) + "\n";
    }
    text += ".El\n";
  }
  if (!command.options.empty()) text += ".Pp\nThe options are:\n" + option_list(command.options);
  text += ".Pp\nOptions of every command are described in\n.Xr kpkg 1 .\n";
  if (const auto variables = environment_of(command); !variables.empty())
    text += ".Sh ENVIRONMENT\n" + mention_list("Ev", variables);
  if (!command.files.empty()) text += ".Sh FILES\n" + mention_list("Pa", command.files);
  text += ".Sh EXIT STATUS\n" + status_list(exit_statuses(command));
  if (command.guest) text += ".Pp\n" + prose(guest_status_text());
  text += ".Sh EXAMPLES\n";
  for (const Example& example : command.examples)
    text += escaped(example.text) + ":\n.Pp\n.Dl " + argument(example.line) + "\n" +
            (&example == &command.examples.back() ? "" : ".Pp\n");
  std::vector<std::string> related{"kpkg"};
  const size_t space = command.name.find(' ');
  if (space != std::string::npos)
    for (const Command* member : program.members(command.name.substr(0, space)))
      if (member != &command) related.push_back(page_name(member->name));
  return {name + ".1", text + see_also(related)};
}

} // namespace

std::vector<ManualPage> man_pages(const Program& program) {
  std::string text = head("kpkg", program.summary) +
                     ".Sh SYNOPSIS\n.Nm\n.Op Ar option ...\n.Ar command\n.Op Ar argument ...\n.Sh DESCRIPTION\n" +
                     prose(program.description) + ".Pp\nThe options of every command are:\n" +
                     option_list(program.options) + ".Pp\nThe commands are:\n.Bl -tag -width Ds\n";
  std::vector<std::string> names;
  for (const Command& command : program.commands) {
    names.push_back(page_name(command.name));
    text += ".It Xr " + names.back() + " 1\n" + escaped(capitalised(command.summary)) + "\n";
  }
  text += ".El\n.Sh ENVIRONMENT\n" + mention_list("Ev", program.environment) + ".Sh FILES\n" +
          mention_list("Pa", program.files) + ".Sh EXIT STATUS\n" + status_list(every_exit_status()) +
          ".Pp\n.Cm run\nand\n.Cm system boot\notherwise end with the guest's own status.\n" + see_also(names);
  std::vector<ManualPage> pages{{"kpkg.1", text}};
  for (const Command& command : program.commands) pages.push_back(page(program, command));
  return pages;
}

} // namespace kpkg
