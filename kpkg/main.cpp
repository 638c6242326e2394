// kpkg: the command line. Parses, dispatches, renders errors; the commands are in the files named after them.
#include "derivations/lang/errors.hpp"
#include "derivations/realise/scheduler.hpp"
#include "kpkg/command.hpp"
#include "store/base/suggest.hpp"
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace kpkg {
namespace {

constexpr const char* kFooter = R"(
Environment:
  KPKG_ROOT           where the store lies (default ~/.local/share/kpkg; for root /kpkg)
  KPKG_KEY            secret key file that signs what is built
  KPKG_TOKEN          upload token of a registry
  KPKG_TRUSTED_KEYS   public keys NAME:BASE64, separated by spaces; also ROOT/etc/trusted-keys, one per line

Exit status:
  0 success   1 failed   2 wrong usage   3 evaluation failed   4 build failed
  5 refused: signature, hash or token   6 invalid WebAssembly   125 an instance could not start
  134 the guest trapped
  run and system boot otherwise end with the guest's own status.)";

// One message, one hint, whatever kind of error it was.
int report(const Context& context, int status, const std::string& kind, const std::string& message,
           const std::string& hint) {
  if (context.json) {
    Json error{{"kind", kind}, {"message", message}};
    if (!hint.empty()) error["hint"] = hint;
    std::cerr << Json{{"error", error}}.dump() << std::endl;
    return status;
  }
  const char* bold = context.colour ? "\033[1;31m" : "";
  const char* plain = context.colour ? "\033[0m" : "";
  std::cerr << bold << "error:" << plain << ' ' << message << std::endl;
  if (!hint.empty()) std::cerr << "hint: " << hint << std::endl;
  return status;
}

// CLI11 reports an unknown command only as a missing one: name it, and what was probably meant.
void check_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string_view> known;
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  known.reserve(commands.size());
  for (const CLI::App* command : commands) known.push_back(command->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--root") ++i; // its value
    if (word.starts_with('-')) continue;
    if (std::ranges::find(known, word) != known.end()) return;
    const std::string near = store::nearest_name(word, known);
    throw Failure(kUsage, "kpkg has no command '" + std::string(word) + "'",
                  near.empty() ? "the commands are listed by: kpkg --help" : "did you mean '" + near + "'?");
  }
}

int run(int argc, char** argv) {
  Context context;
  context.colour = ::isatty(STDERR_FILENO) != 0 && !std::getenv("NO_COLOR");
  CLI::App app("Builds, signs, distributes and boots reproducible WebAssembly components.", "kpkg");
  app.footer(kFooter);
  app.set_version_flag("--version", "kpkg " KPKG_VERSION);
  app.add_option("--root", context.root, "where the store lies (overrides KPKG_ROOT)");
  app.add_flag("--json", context.json, "results and errors as JSON");
  app.add_flag("-q,--quiet", context.quiet, "no progress lines");
  app.require_subcommand(1);
  app.fallthrough();
  add_eval(app, context);
  add_instantiate(app, context);
  add_build(app, context);
  add_log(app, context);
  add_run(app, context);
  add_push(app, context);
  add_install(app, context);
  add_profile(app, context);
  add_system(app, context);
  add_toolchain(app, context);
  add_key(app, context);
  add_store(app, context);
  add_builtins(app, context);
  add_completion(app, context);
  try {
    check_command(app, argc, argv);
    app.parse(argc, argv);
    return context.status;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  } catch (const lang::EvalError& error) {
    std::cerr << (context.json ? lang::error_to_json(error) + "\n" : lang::render_error(error, context.colour))
              << std::flush;
    return kEvalFailed;
  } catch (const Failure& failure) {
    return report(context, failure.status(), "failed", failure.what(), failure.hint());
  } catch (const store::UserError& error) {
    if (error.code() == store::UserErrorCode::build)
      return report(context, kBuildFailed, "build", error.what(), error.hint());
    return report(context, error.code() == store::UserErrorCode::refused ? kRefused : kFailed, "store", error.what(),
                  error.hint());
  } catch (const std::exception& error) {
    return report(context, kFailed, "internal", error.what(), "");
  }
}

} // namespace
} // namespace kpkg

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return kpkg::run(argc, argv);
}
