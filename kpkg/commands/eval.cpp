// kpkg eval: evaluates an expression and prints it; writes nothing to the store.
#include "kpkg/cli/terminal_text.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/project/project.hpp"

namespace kpkg {

namespace {

struct Options {
  ProjectOptions project;
  bool raw = false, shallow = false, statistics = false;
};

void run(Context& context, const Options& options) {
  lang::MemoryEvalStore nothing_written;
  Project project(context, options.project, nothing_written);
  lang::Value* value = project.evaluate();
  auto& evaluator = project.evaluator();
  if (context.json)
    context.print_json(valid_utf8(evaluator.to_json(value)));
  else
    context.print(options.raw ? evaluator.string(value) : evaluator.print(value, !options.shallow), {});
  if (options.statistics) {
    const auto statistics = evaluator.statistics();
    context.say(json_text(Json{{"calls", statistics.calls},
                               {"primopCalls", statistics.primop_calls},
                               {"thunks", statistics.thunks},
                               {"symbols", statistics.symbols},
                               {"allocatedBytes", statistics.allocated_bytes},
                               {"cpuSeconds", statistics.cpu_seconds}}));
  }
}

} // namespace

Command eval_command() {
  const auto options = std::make_shared<Options>();
  Command command{.name = "eval",
                  .summary = "evaluate an expression and print the result",
                  .description =
                      "Evaluates a file or a text and prints its value as the language writes it, or as JSON "
                      "with --json. Writes nothing to the store. A function is called with the library kpkgs "
                      "where it asks for it, and with the arguments given by --argstr.",
                  .examples = {{"kpkg eval -E '1 + 2'", "evaluate a text"},
                               {"kpkg eval examples/hello -A name --raw", "print the name of a package"},
                               {"kpkg eval --json -E '{ a = [ 1 2 ]; }'", "make JSON of a value"}},
                  .run = [options](Context& context) { run(context, *options); }};
  options->project.add_to(command);
  command.options.insert(command.options.end(),
                         {{.names = "--raw", .help = "print a string without quotes", .target = &options->raw},
                          {.names = "--shallow", .help = "leave inner values unevaluated", .target = &options->shallow},
                          {.names = "--statistics",
                           .help = "tell calls, thunks and memory on standard error",
                           .target = &options->statistics}});
  return command;
}

} // namespace kpkg
