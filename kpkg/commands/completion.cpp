// kpkg completion: completion scripts for shells.
#include "kpkg/cli/completion.hpp"
#include "kpkg/commands/commands.hpp"

namespace kpkg {

Command completion_command() {
  const auto shell = std::make_shared<std::string>();
  return {.name = "completion",
          .summary = "print a completion script for a shell",
          .description =
              "Prints a script that makes the shell complete commands, options and their values: files, store "
              "paths, trusted keys and fixed choices. An installed kpkg brings all three where the shells look "
              "for them.",
          .positionals = {{.name = "shell",
                           .help = "which shell",
                           .target = shell.get(),
                           .required = true,
                           .choices = {"bash", "zsh", "fish"}}},
          .examples = {{"kpkg completion bash >~/.local/share/bash-completion/completions/kpkg", "for bash"},
                       {"kpkg completion zsh >~/.zfunc/_kpkg", "for zsh, with ~/.zfunc in $fpath"},
                       {"kpkg completion fish >~/.config/fish/completions/kpkg.fish", "for fish"}},
          .run = [shell](Context& context) {
            const Program program = make_program(context);
            const std::string script = *shell == "bash"  ? bash_completion(program)
                                       : *shell == "zsh" ? zsh_completion(program)
                                                         : fish_completion(program);
            context.print(script, Json{{"shell", *shell}, {"script", script}});
          }};
}

} // namespace kpkg
