// A build in four steps: the folder and the sandbox around it (build_sandbox.hpp); the run with its log; the checks of
// what was made (built_outputs.hpp); registering.
#include "derivations/realise/native_builder.hpp"
#include "derivations/realise/attributes.hpp"
#include "derivations/realise/build_folder.hpp"
#include "derivations/realise/build_log.hpp"
#include "derivations/realise/build_sandbox.hpp"
#include "derivations/realise/built_outputs.hpp"
#include <cerrno>
#include <cstring>

namespace realise {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using store::Derivation;
using store::StorePath;
using store::StorePathSet;

// What this builder does not implement ends here, before anything runs.
void check_supported(const Derivation& derivation) {
  const std::string subject = "“" + derivation.name + "” cannot be built: ";
  if (derivation.builder.starts_with("builtin:"))
    throw build_error(subject + "there is no builder " + derivation.builder,
                      "name a program of an input, or with sandboxRoot one like /bin/sh");
  if (derivation.system != "x86_64-linux")
    throw build_error(subject + "it is for the system “" + derivation.system + "”, and this is x86_64-linux",
                      "set system = \"x86_64-linux\"");
  if (!derivation.builder.starts_with('/'))
    throw build_error(subject + "its builder “" + derivation.builder + "” is not an absolute path");
  for (const char* name : {"__json", "exportReferencesGraph", "allowedRequisites", "disallowedRequisites"})
    if (env_of(derivation, name) != nullptr)
      throw build_error(subject + "it sets " + (std::strcmp(name, "__json") == 0 ? "__structuredAttrs" : name) +
                        ", which the native builder does not support");
  for (const auto& [id, output] : derivation.outputs)
    if (!output.path)
      throw build_error(subject + "the path of its output “" + id +
                        "” depends on what is built (floating content-addressed), which is not supported");
}

StorePathSet input_closure(store::LocalStore& local, const Derivation& derivation) {
  StorePathSet inputs = derivation.input_srcs;
  for (const auto& [drv_path, ids] : derivation.input_drvs) {
    const Derivation input = local.read_derivation(drv_path);
    for (const std::string& id : ids) {
      const auto output = input.outputs.find(id);
      if (output == input.outputs.end() || !output->second.path)
        throw build_error("“" + derivation.name + "” needs the output “" + id + "” of " + drv_path.full() +
                          ", which has none of that name");
      inputs.insert(*output->second.path);
    }
  }
  for (const StorePath& path : inputs)
    if (!local.is_valid(path))
      throw build_error("“" + derivation.name + "” needs " + path.full() + ", which is not in the store");
  return local.closure(inputs);
}

std::string seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }

// What happened, as the end of «building “x” failed: …»; empty on success. Fills in the hint.
std::string failure_text(const RunOutcome& outcome, const Derivation& derivation, const RunLimits& limits,
                         std::string& hint) {
  switch (outcome.kind) {
  case RunOutcome::Kind::exited:
    return outcome.status == 0 ? "" : "its builder exited with status " + std::to_string(outcome.status);
  case RunOutcome::Kind::signalled:
    return "its builder was ended by signal " + std::to_string(outcome.status) + " (" + ::strsignal(outcome.status) +
           ")";
  case RunOutcome::Kind::timed_out: return "it ran for more than " + seconds(limits.timeout) + " and was stopped";
  case RunOutcome::Kind::fell_silent:
    return "it printed nothing for more than " + seconds(limits.silent_timeout) + " and was stopped";
  case RunOutcome::Kind::output_limit:
    return "it printed more than " + std::to_string(limits.max_output_bytes) + " bytes and was stopped";
  case RunOutcome::Kind::cancelled: return "it was interrupted";
  case RunOutcome::Kind::disk_limit:
    hint = "--max-disk BYTES allows it more";
    return "it took more than " + std::to_string(limits.disk_bytes) + " bytes of disk and was stopped";
  case RunOutcome::Kind::not_executed:
  case RunOutcome::Kind::not_started: break;
  }
  const std::string reason = std::strerror(outcome.status);
  if (outcome.kind == RunOutcome::Kind::not_executed) {
    hint =
        "the sandbox shows nothing but the derivation's inputs: a builder like /bin/sh needs a sandboxRoot that has it";
    return "its builder " + derivation.builder + " cannot be executed (" + reason + ")";
  }
  if (outcome.status == EPERM || outcome.status == ENOSPC || outcome.status == ENOSYS)
    hint = "the sandbox needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or in a container an option "
           "like --security-opt seccomp=unconfined";
  return "the sandbox could not be set up (" + outcome.detail + ": " + reason + ")";
}

uint64_t taken_bytes(const RunLimits& limits) { return limits.disk_bytes != 0 ? limits.disk_bytes : ~uint64_t{0}; }

// The limits of the run hold for what comes after it, too.
std::function<void()> checkpoint(const RunLimits& limits, Clock::time_point start) {
  return [&limits, start] {
    if (limits.cancel != nullptr && limits.cancel->load()) throw build_error("taking over its outputs was interrupted");
    if (limits.timeout.count() > 0 && Clock::now() - start > limits.timeout)
      throw build_error("building it and taking over its outputs took more than " + seconds(limits.timeout));
  };
}

} // namespace

std::vector<store::PathInfo> build_natively(store::LocalStore& local, const StorePath& drv_path,
                                            const Derivation& derivation, const NativeBuildOptions& options) {
  check_supported(derivation);
  const StorePathSet inputs = input_closure(local, derivation);
  if (options.check)
    for (const auto& [id, output] : derivation.outputs)
      if (!local.is_valid(*output.path))
        throw build_error("“" + derivation.name + "” cannot be checked: its output " + output.path->full() +
                              " is not in the store to compare with",
                          "build it first");

  const auto start = Clock::now();
  BuildFolder folder{local.root(), drv_path.digest()};
  const auto with_folder_kept = [&](const store::UserError& error, const std::string& more = {}) {
    std::string message = error.what() + more;
    if (options.keep_failed) message += "\nthe build folder is kept as " + folder.keep(derivation.name).string();
    return build_error(message, error.hint());
  };

  const Sandbox sandbox = make_sandbox(local, derivation, inputs, folder, options.passed_variables);
  const fs::path log_file =
      options.check ? fs::path{local.log_path(drv_path).string() + ".check"} : local.log_path(drv_path);
  BuildLog log{log_file, options.on_line};
  const RunOutcome outcome =
      run_in_sandbox(sandbox, options.limits, [&](std::string_view output) { log.append(output); });
  log.finish();
  std::string hint = "kpkg log " + drv_path.full() + " prints the whole log";
  if (const std::string failure = failure_text(outcome, derivation, options.limits, hint); !failure.empty())
    throw with_folder_kept(build_error("building “" + derivation.name + "” failed: " + failure, hint), log.tail_text());

  try {
    const auto trees = find_outputs(derivation, outputs_folder(folder));
    const store::TakenOutputs taken =
        local.take_outputs(drv_path, trees, inputs,
                           {.max_bytes = taken_bytes(options.limits), .checkpoint = checkpoint(options.limits, start)});
    check_references(derivation, taken);
    if (!options.check) return local.register_outputs(taken);
    compare_with_store(local, derivation, taken);
    std::vector<store::PathInfo> infos;
    for (const auto& [id, output] : taken.by_id())
      if (auto info = local.query(output.info.path)) infos.push_back(std::move(*info));
    return infos;
  } catch (const store::UserError& error) {
    if (error.code() != store::UserErrorCode::build) throw;
    throw with_folder_kept(error);
  }
}

} // namespace realise
