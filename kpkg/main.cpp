// kpkg: the command line. Finds the command and runs it; commands/ has them, cli/edge.hpp decides how it ends.
#include "kpkg/cli/edge.hpp"
#include "kpkg/cli/interrupt.hpp"
#include "kpkg/cli/parse.hpp"
#include "kpkg/commands/commands.hpp"
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  kpkg::Context context;
  context.token = store::take_from_environment("KPKG_TOKEN"); // no program that is started shall see it
  context.colour = ::isatty(STDERR_FILENO) != 0 && !std::getenv("NO_COLOR");
  context.json = kpkg::has_flag(words, "--json");
  const kpkg::Program program = kpkg::make_program(context);
  const int status = kpkg::run_to_exit_status(context, [&] {
    const kpkg::Invocation invocation = kpkg::parse(program, words);
    if (invocation.command)
      invocation.command->run(context);
    else
      std::cout << invocation.text << std::flush;
  });
  kpkg::end_by_interrupt();
  return status;
}
