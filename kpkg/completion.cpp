// kpkg completion: shell completion scripts, made from the command tree itself.
#include "kpkg/command.hpp"
#include <functional>

namespace kpkg {

namespace {

// Calls `visit` with the words that lead to each command («», «system», «system build», …).
void walk(const CLI::App& app, const std::string& words,
          const std::function<void(const CLI::App&, const std::string&)>& visit) {
  visit(app, words);
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    walk(*sub, words.empty() ? sub->get_name() : words + " " + sub->get_name(), visit);
}

std::string choices(const CLI::App& app) {
  std::string text;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) text += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) text += "--" + name + " ";
    for (const auto& name : option->get_snames()) text += "-" + name + " ";
  }
  return text;
}

std::string bash(const CLI::App& app) {
  std::string script = "_kpkg() {\n  local word path=\"\" choices=\"\"\n"
                       "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$path $word\" in\n";
  walk(app, "", [&](const CLI::App&, const std::string& words) {
    if (!words.empty()) script += "    \" " + words + "\") path=\" " + words + "\" ;;\n";
  });
  script += "    esac\n  done\n  case \"$path\" in\n";
  walk(app, "", [&](const CLI::App& command, const std::string& words) {
    script += "  \"" + (words.empty() ? "" : " " + words) + "\") choices=\"" + choices(command) + "\" ;;\n";
  });
  script += "  esac\n  COMPREPLY=($(compgen -W \"$choices\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default "
            "-F _kpkg kpkg\n";
  return script;
}

std::string fish(const CLI::App& app) {
  std::string script;
  walk(app, "", [&](const CLI::App& command, const std::string& words) {
    std::string condition = "__fish_use_subcommand";
    if (!words.empty()) {
      condition.clear();
      for (size_t start = 0; start < words.size();) {
        const size_t end = std::min(words.find(' ', start), words.size());
        condition +=
            (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + words.substr(start, end - start));
        start = end + 1;
      }
    }
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
      script +=
          "complete -c kpkg -n '" + condition + "' -a " + sub->get_name() + " -d '" + sub->get_description() + "'\n";
    for (const CLI::Option* option : command.get_options())
      for (const auto& name : option->get_lnames())
        script += "complete -c kpkg -n '" + condition + "' -l " + name + "\n";
  });
  return script;
}

} // namespace

void add_completion(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("completion", "print a completion script; for bash: source <(kpkg completion bash)");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->final_callback([shell, &app, &context] {
    std::string script = *shell == "fish" ? fish(app) : bash(app);
    if (*shell == "zsh") script = "autoload -U +X bashcompinit && bashcompinit\n" + script;
    context.print(script, Json{{"shell", *shell}, {"script", script}});
  });
}

} // namespace kpkg
