// kpkg builtins: the language's builtins, from the same records that define them.
#include "derivations/lang/evaluator.hpp"
#include "kpkg/commands/commands.hpp"

namespace kpkg {

namespace {

void run(Context& context, const std::string& name) {
  std::string text;
  Json json = Json::array();
  for (const auto& doc : lang::builtin_docs()) {
    if (!name.empty() && doc.name != name) continue;
    text += doc.name;
    for (const auto& argument : doc.arguments) text += " " + std::string(argument);
    text += "\n    " + std::string(doc.text) + "\n";
    json.push_back({{"name", doc.name}, {"arguments", doc.arguments}, {"text", doc.text}});
  }
  if (json.empty()) throw store::UserError("there is no builtin '" + name + "'", "all are listed by: kpkg builtins");
  context.print(text, json);
}

} // namespace

Command builtins_command() {
  const auto name = std::make_shared<std::string>();
  return {.name = "builtins",
          .summary = "describe the builtins of the language",
          .description = "Prints each builtin with its arguments and what it does.",
          .positionals = {{.name = "name", .help = "only this one", .target = name.get()}},
          .examples = {{"kpkg builtins", "list all of them"}, {"kpkg builtins map", "describe one"}},
          .errors = {store::UserErrorCode::failed},
          .run = [name](Context& context) { run(context, *name); }};
}

} // namespace kpkg
