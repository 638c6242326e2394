#include "kpkg/project/building.hpp"
#include "kpkg/cli/credentials.hpp"
#include "kpkg/cli/interrupt.hpp"
#include "kpkg/cli/progress.hpp"
#include "kpkg/project/machine_memory.hpp"
#include "store/remote/copy.hpp"
#include <strings.h>

namespace kpkg {

void BuildingOptions::add_to(Command& command) {
  command.options.insert(
      command.options.end(),
      {{.names = "--key",
        .value_name = "FILE",
        .help = "secret key file that signs what is built",
        .target = &key_file,
        .kind = ValueKind::file,
        .environment = "KPKG_KEY"},
       {.names = "-j,--jobs",
        .value_name = "NUMBER",
        .help = "builds at once (otherwise one a processor)",
        .target = &jobs},
       {.names = "--keep-failed", .help = "keep the folder of a failed build", .target = &keep_failed},
       {.names = "--timeout",
        .value_name = "SECONDS",
        .help = "stop a build after so long; 0: never",
        .target = &timeout_s,
        .range = {0, 1u << 30}},
       {.names = "--max-silence",
        .value_name = "SECONDS",
        .help = "stop a build that prints nothing for so long; 0: never",
        .target = &silence_s,
        .range = {0, 1u << 30}},
       {.names = "--max-log",
        .value_name = "BYTES",
        .help = "stop a build that prints more; 0: never",
        .target = &log_bytes},
       {.names = "--max-memory",
        .value_name = "BYTES",
        .help = "writable memory of each process of a build; 0: three quarters of the machine's",
        .target = &memory_bytes},
       {.names = "--max-processes",
        .value_name = "NUMBER",
        .help = "processes of a build; 0: any",
        .target = &processes},
       {.names = "--max-descriptors",
        .value_name = "NUMBER",
        .help = "open files of each process of a build; 0: any",
        .target = &descriptors},
       {.names = "--max-disk",
        .value_name = "BYTES",
        .help = "what a build's folder and outputs may take; 0: any",
        .target = &disk_bytes},
       {.names = "--pass-env",
        .value_name = "NAME",
        .help = "variable that fixed-output builds may ask for, besides those of proxies and certificates",
        .target = &passed_variables},
       {.names = "--from", .value_name = "URL", .help = "registry to fetch finished paths from", .target = &from},
       {.names = "--trusted-key",
        .value_name = "NAME:BASE64",
        .help = "key whose signatures are accepted from registries",
        .target = &trusted_keys,
        .kind = ValueKind::public_key}});
  command.files.push_back({"ROOT/etc/trusted-keys", "public keys that are trusted, one a line"});
  command.environment.push_back({"KPKG_TRUSTED_KEYS", "public keys that are trusted, separated by spaces"});
  command.errors.insert(command.errors.end(), {store::UserErrorCode::build, store::UserErrorCode::refused,
                                               store::UserErrorCode::interrupted});
}

namespace {

// Our own secrets are for nobody.
void check_passed_variables(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (::strncasecmp(name.c_str(), "KPKG_", 5) == 0)
      throw store::UserError(store::UserErrorCode::usage, "--pass-env " + name + ": no builder is given that variable");
}

} // namespace

realise::BuildResult build_targets(Context& context, const std::vector<realise::BuildTarget>& targets,
                                   const BuildingOptions& options) {
  Progress progress(context, has_live_terminal() && !context.json);
  realise::BuildOptions build_options{
      .jobs = options.jobs, .keep_failed = options.keep_failed, .check = options.check, .observer = &progress};
  build_options.limits = {.timeout = std::chrono::seconds(options.timeout_s),
                          .silent_timeout = std::chrono::seconds(options.silence_s),
                          .max_output_bytes = options.log_bytes,
                          .memory_bytes =
                              options.memory_bytes != 0 ? options.memory_bytes : machine_memory_bytes() / 4 * 3,
                          .processes = options.processes,
                          .descriptors = options.descriptors,
                          .disk_bytes = options.disk_bytes,
                          .cancel = &interrupted()};
  check_passed_variables(options.passed_variables);
  build_options.passed_variables = options.passed_variables;
  std::optional<store::SecretKey> key;
  if (!options.key_file.empty()) build_options.signing_key = &key.emplace(read_secret_key(options.key_file));

  std::vector<std::unique_ptr<store::BinaryCache>> caches;
  std::vector<store::BinaryCache*> asked;
  const store::CopyOptions copy{.trusted = trusted_keys(context, options.trusted_keys)};
  for (const auto& url : options.from) {
    asked.push_back(caches.emplace_back(std::make_unique<store::BinaryCache>(url)).get());
    asked.back()->cancel_by(interrupted());
  }
  if (!asked.empty())
    build_options.try_substitute = [&](const store::StorePath& path) {
      for (store::BinaryCache* cache : asked) try {
          if (!cache->has(path)) continue;
          store::install_closure(context.store(), {cache}, {path}, copy);
          return true;
        } catch (const store::UserError& error) { // a cache is a hint: build instead
          if (error.code() == store::UserErrorCode::interrupted) throw;
          context.say("warning: " + std::string(error.what()));
        }
      return false;
    };

  const InterruptGuard guard;
  try {
    return realise::build(context.store(), targets, build_options);
  } catch (const store::UserError& error) {
    if (!interrupted()) throw;
    throw store::UserError(store::UserErrorCode::interrupted, error.what());
  }
}

std::unique_ptr<lang::LocalEvalStore> writing_eval_store(Context& context, const BuildingOptions& options) {
  return std::make_unique<lang::LocalEvalStore>(
      context.store(), [&context, &options](const store::StorePath& drv, const std::set<std::string>& outputs) {
        BuildingOptions for_evaluation = options;
        for_evaluation.check = false; // what evaluation needs is no target
        (void)build_targets(context, {{.drv_path = drv, .outputs = outputs}}, for_evaluation);
      });
}

} // namespace kpkg
