// kpkg builtins: the language's builtins, from the same records that define them.
#include "derivations/lang/evaluator.hpp"
#include "kpkg/command.hpp"

namespace kpkg {

void add_builtins(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("builtins", "describe the builtins of the language");
  auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "only this one");
  command->final_callback([name, &context] {
    std::string text;
    Json json = Json::array();
    for (const auto& doc : lang::builtin_docs()) {
      if (!name->empty() && doc.name != *name) continue;
      text += doc.name;
      for (const auto& argument : doc.arguments) text += " " + std::string(argument);
      text += "\n    " + std::string(doc.text) + "\n";
      json.push_back({{"name", doc.name}, {"arguments", doc.arguments}, {"text", doc.text}});
    }
    if (json.empty()) throw Failure(kFailed, "there is no builtin '" + *name + "'", "all are listed by: kpkg builtins");
    context.print(text, json);
  });
}

} // namespace kpkg
