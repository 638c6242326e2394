#include "kpkg/cli/completion.hpp"
#include <format>

namespace kpkg {

namespace {

constexpr std::string_view kStorePaths = "kpkg store list 2>/dev/null";
constexpr std::string_view kTrustedKeys = "cat \"${KPKG_ROOT:-$HOME/.local/share/kpkg}/etc/trusted-keys\" 2>/dev/null";

void add_options(std::vector<Mention>& words, const std::vector<Option>& options) {
  for (const Option& option : options)
    for (const auto& name : names_of(option)) words.push_back({name, option.help});
}

// "", then every group and every command.
std::vector<std::string> places(const Program& program) {
  std::vector<std::string> found{""};
  for (const Group& group : program.groups) found.push_back(group.name);
  for (const Command& command : program.commands) found.push_back(command.name);
  return found;
}

std::string single_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// --- bash

std::string bash_values(ValueKind kind) {
  switch (kind) {
  case ValueKind::text: return "return";
  case ValueKind::file: return "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return";
  case ValueKind::folder: return "mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); return";
  case ValueKind::store_path:
    return std::format("mapfile -t COMPREPLY < <(compgen -f -W \"$({})\" -- \"$current\"); return", kStorePaths);
  case ValueKind::public_key:
    return std::format("mapfile -t COMPREPLY < <(compgen -W \"$({})\" -- \"$current\"); return", kTrustedKeys);
  }
  std::unreachable();
}

// The lines of a case over "$path $previous" that complete the values of `options`.
std::string bash_options(std::string_view path, const std::vector<Option>& options) {
  std::string lines;
  for (const Option& option : options)
    if (!option.value_name.empty())
      for (const auto& name : names_of(option))
        lines += std::format("  {}\" {}\") {} ;;\n", path, name, bash_values(option.kind));
  return lines;
}

// --- zsh

// Text inside a specification of _arguments, where brackets and colons have a meaning.
std::string zsh_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string zsh_action(ValueKind kind, const std::vector<std::string>& choices = {}) {
  if (!choices.empty()) {
    std::string words;
    for (const auto& choice : choices) words += (words.empty() ? "" : " ") + choice;
    return "(" + words + ")";
  }
  switch (kind) {
  case ValueKind::text: return " ";
  case ValueKind::file: return "_files";
  case ValueKind::folder: return "_files -/";
  case ValueKind::store_path: return "_kpkg_store_paths";
  case ValueKind::public_key: return "_kpkg_trusted_keys";
  }
  std::unreachable();
}

std::string zsh_options(const std::vector<Option>& options) {
  std::string lines;
  for (const Option& option : options)
    for (const auto& name : names_of(option)) {
      std::string value;
      if (!option.value_name.empty()) {
        const size_t space = option.value_name.find(' '); // two words
        const std::string action = zsh_action(option.kind);
        value = ":" + option.value_name.substr(0, space) + ":" + action;
        if (space != std::string::npos) value += ":" + option.value_name.substr(space + 1) + ":" + action;
      }
      lines += " \\\n        " +
               single_quoted((option.repeatable() ? "*" : "") + name + "[" + zsh_escaped(option.help) + "]" + value);
    }
  return lines;
}

std::string zsh_describe(const std::vector<Mention>& words) {
  std::string list;
  for (const auto& [name, text] : words) list += " " + single_quoted(zsh_escaped(name) + ":" + text);
  return list;
}

// --- fish

std::string fish_values(const Option& option) {
  switch (option.kind) {
  case ValueKind::text: return " -x";
  case ValueKind::file: return " -r -F";
  case ValueKind::folder: return " -x -a '(__fish_complete_directories)'";
  case ValueKind::store_path: return std::format(" -r -F -a '({})'", kStorePaths);
  case ValueKind::public_key: return " -x -a '(__kpkg_trusted_keys)'";
  }
  std::unreachable();
}

std::string fish_options(const std::string& condition, const std::vector<Option>& options) {
  std::string lines;
  for (const Option& option : options) {
    lines += "complete -c kpkg" + condition;
    for (const auto& name : names_of(option))
      lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (!option.value_name.empty()) lines += fish_values(option);
    lines += " -d " + single_quoted(option.help) + "\n";
  }
  return lines;
}

std::string fish_condition(std::string_view place) {
  return std::format(" -n '__kpkg_at {}'", place.empty() ? "\"\"" : "\"" + std::string(place) + "\"");
}

} // namespace

std::vector<Mention> offered_words(const Program& program, std::string_view words) {
  std::vector<Mention> offered;
  if (words.empty()) offered = program.first_words();
  for (const Command* member : words.empty() ? std::vector<const Command*>{} : program.members(words))
    offered.push_back({member->name.substr(words.size() + 1), member->summary});
  if (const Command* command = program.find(words)) {
    for (const Positional& positional : command->positionals)
      for (const auto& choice : positional.choices) offered.push_back({choice, positional.help});
    add_options(offered, command->options);
  }
  add_options(offered, program.options);
  offered.push_back({"--help", "describe it"});
  if (words.empty()) offered.push_back({"--version", "print the version"});
  return offered;
}

std::string bash_completion(const Program& program) {
  std::string script = "# bash completion for kpkg, made by: kpkg completion bash\n_kpkg() {\n"
                       "  local word path=\"\" choices=\"\" files=\"\"\n"
                       "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                       "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$path $word\" in\n";
  for (const auto& place : places(program))
    if (!place.empty()) script += "    \" " + place + "\") path=\" " + place + "\" ;;\n";
  script += "    esac\n  done\n  case \"$path $previous\" in\n" + bash_options("*", program.options);
  for (const Command& command : program.commands) script += bash_options("\" " + command.name + "\"", command.options);
  script += "  esac\n  case \"$path\" in\n";
  for (const auto& place : places(program)) {
    std::string choices;
    for (const auto& [name, text] : offered_words(program, place)) choices += (choices.empty() ? "" : " ") + name;
    script += "  \"" + (place.empty() ? "" : " " + place) + "\") choices=\"" + choices + "\"";
    const Command* command = program.find(place);
    if (command && !command->positionals.empty()) {
      const ValueKind kind = command->positionals.front().kind;
      if (kind == ValueKind::store_path) script += std::format(" files=\"-f -W \\\"\\$({})\\\"\"", kStorePaths);
      if (kind == ValueKind::file || kind == ValueKind::folder) script += " files=-f";
    }
    script += " ;;\n";
  }
  script +=
      "  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\")\n"
      "  if [[ $files && $current != -* ]]; then\n"
      "    mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(eval \"compgen $files -- \\\"\\$current\\\"\")\n  fi\n"
      "}\ncomplete -o filenames -F _kpkg kpkg\n";
  return script;
}

std::string zsh_completion(const Program& program) {
  std::string script = "#compdef kpkg\n# zsh completion for kpkg, made by: kpkg completion zsh\n\n"
                       "_kpkg_store_paths() {\n  local -a paths\n  paths=(${(f)\"$(" +
                       std::string(kStorePaths) +
                       ")\"})\n  compadd -a paths\n  _files\n}\n\n"
                       "_kpkg_trusted_keys() {\n  local -a keys\n  keys=(${(f)\"$(" +
                       std::string(kTrustedKeys) + ")\"})\n  compadd -a keys\n}\n\n";
  script +=
      "_kpkg() {\n  local context state line\n  typeset -A opt_args\n  local -a common words_here\n  common=(" +
      zsh_options(program.options) + " \\\n        '--help[describe it]'\n  )\n" +
      "  local place= word\n  local -i at=1\n  for word in ${words[2,CURRENT-1]}; do\n    case \"$place $word\" in\n";
  for (const auto& place : places(program))
    if (!place.empty()) script += "    \" " + place + "\") place=\" " + place + "\"; at=${words[(i)$word]} ;;\n";
  script +=
      "    esac\n  done\n  words=(kpkg \"${(@)words[at+1,-1]}\"); (( CURRENT -= at - 1 ))\n  case \"$place\" in\n";
  for (const auto& place : places(program)) {
    const Command* command = program.find(place);
    script += "    \"" + (place.empty() ? "" : " " + place) + "\")\n";
    if (!command) {
      std::vector<Mention> names = place.empty() ? program.first_words() : std::vector<Mention>{};
      for (const Command* member : program.members(place))
        if (!place.empty()) names.push_back({member->name.substr(place.size() + 1), member->summary});
      script += "      words_here=(" + zsh_describe(names) + ")\n      _arguments $common '1:command:->command'\n" +
                "      [[ $state == command ]] && _describe command words_here\n      ;;\n";
      continue;
    }
    script += "      _arguments $common" + zsh_options(command->options);
    for (const Positional& positional : command->positionals)
      script += " \\\n        " +
                single_quoted(std::string(positional.repeatable() ? "*" : "") + ":" + zsh_escaped(positional.name) +
                              ":" + zsh_action(positional.kind, positional.choices));
    script += "\n      ;;\n";
  }
  return script + "  esac\n}\n\n_kpkg \"$@\"\n";
}

std::string fish_completion(const Program& program) {
  std::string script = "# fish completion for kpkg, made by: kpkg completion fish\n"
                       "function __kpkg_trusted_keys\n  set -l root $KPKG_ROOT\n  test -n \"$root\"; or set root "
                       "$HOME/.local/share/kpkg\n  cat $root/etc/trusted-keys 2>/dev/null\nend\n\n"
                       "function __kpkg_at # whether the words so far lead to this command\n  set -l place\n"
                       "  for word in (commandline -opc)[2..-1]\n    switch \"$place $word\"\n      case";
  for (const auto& place : places(program))
    if (!place.empty()) script += " " + single_quoted(" " + place);
  script +=
      "\n        set place \"$place $word\"\n    end\n  end\n  test (string trim -- \"$place\") = \"$argv[1]\"\nend\n\n"
      "complete -c kpkg -f\n" +
      fish_options("", program.options) + "complete -c kpkg -l help -s h -d 'describe it'\n";
  for (const auto& place : places(program)) {
    const std::string condition = fish_condition(place);
    const Command* command = program.find(place);
    if (!command) {
      for (const auto& [name, text] : offered_words(program, place))
        if (!name.starts_with('-'))
          script += "complete -c kpkg" + condition + " -a " + name + " -d " + single_quoted(text) + "\n";
      continue;
    }
    script += fish_options(condition, command->options);
    for (const Positional& positional : command->positionals) {
      for (const auto& choice : positional.choices)
        script += "complete -c kpkg" + condition + " -a " + choice + " -d " + single_quoted(positional.help) + "\n";
      if (positional.kind == ValueKind::store_path)
        script += "complete -c kpkg" + condition + std::format(" -F -a '({})'\n", kStorePaths);
      else if (positional.kind != ValueKind::text)
        script += "complete -c kpkg" + condition + " -F\n";
    }
  }
  return script;
}

} // namespace kpkg
