// kpkg eval: evaluates an expression and prints it; writes nothing to the store.
#include "kpkg/project.hpp"

namespace kpkg {

namespace {
struct Options {
  ProjectOptions project;
  bool raw = false, shallow = false, statistics = false;
};
} // namespace

void add_eval(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("eval", "evaluate an expression and print the result");
  auto options = std::make_shared<Options>();
  options->project.add_to(*command);
  command->add_flag("--raw", options->raw, "print a string without quotes");
  command->add_flag("--shallow", options->shallow, "leave inner values unevaluated");
  command->add_flag("--statistics", options->statistics, "tell calls, thunks and memory on standard error");
  command->final_callback([options, &context] {
    lang::MemoryEvalStore nothing_written;
    Project project(context, options->project, nothing_written);
    lang::Value* value = project.evaluate();
    auto& evaluator = project.evaluator();
    if (context.json)
      context.print("", Json::parse(evaluator.to_json(value)));
    else
      context.print(options->raw ? evaluator.string(value) : evaluator.print(value, !options->shallow), {});
    if (options->statistics) {
      const auto statistics = evaluator.statistics();
      context.say(Json{{"calls", statistics.calls},
                       {"primopCalls", statistics.primop_calls},
                       {"thunks", statistics.thunks},
                       {"symbols", statistics.symbols},
                       {"allocatedBytes", statistics.allocated_bytes},
                       {"cpuSeconds", statistics.cpu_seconds}}
                      .dump());
    }
  });
}

} // namespace kpkg
