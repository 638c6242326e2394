// A build in four steps, each a function below: the folder and the sandbox around it; the run with its log; the checks
// of what was made; registering.
//
// The private folder `store` of the build folder is the sandbox's /kpkg/store. A mount point for every input is made in
// it before anything is mounted, exclusively and without following links: a mount point made during mounting could be
// created through an earlier mount, in somebody else's folder.
#include "derivations/realise/native_builder.hpp"
#include "derivations/realise/build_folder.hpp"
#include "derivations/realise/build_log.hpp"
#include "store/local/reference_scanner.hpp"
#include "store/posix/file_io.hpp"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>

namespace realise {
namespace {
namespace fs = std::filesystem;
using store::Derivation;
using store::DerivationOutput;
using store::StorePath;
using store::StorePathSet;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in{text};
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

const std::string* env_of(const Derivation& derivation, const std::string& name) {
  const auto entry = derivation.env.find(name);
  return entry != derivation.env.end() ? &entry->second : nullptr;
}

void write_file(const fs::path& file, std::string_view text) {
  const store::UniqueFd fd = store::open_file(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  store::write_all(fd.get(), store::as_bytes(text), file);
}

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

// --- the sandbox

void add_input_mount(const fs::path& physical, const StorePath& path, const fs::path& private_store, Sandbox& sandbox) {
  struct stat status{};
  if (::lstat(physical.c_str(), &status) != 0)
    throw build_error("the store has lost " + path.full() + ": " + std::strerror(errno), "kpkg store verify");
  const fs::path point = private_store / path.base_name();
  if (S_ISLNK(status.st_mode)) { // a mount would follow it
    fs::create_symlink(fs::read_symlink(physical), point);
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    fs::create_directory(point);
  } else {
    static_cast<void>(store::open_file(point, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0400));
  }
  sandbox.mounts.push_back({physical, path.full(), false});
}

// Returns whether the tree brings an /etc of its own.
bool add_sandbox_root(store::LocalStore& local, const Derivation& derivation, const StorePathSet& inputs,
                      Sandbox& sandbox) {
  const std::string* value = env_of(derivation, "sandboxRoot");
  if (value == nullptr || value->empty()) return false;
  const std::string subject = "sandboxRoot of “" + derivation.name + "”: ";
  const auto path = StorePath::parse(*value);
  if (!path) throw build_error(subject + path.error().describe(*value));
  if (!inputs.contains(*path))
    throw build_error(subject + *value + " is not an input of the derivation",
                      "write it as a string with context, for example \"${toolchain}\"");
  const fs::path tree = local.physical(*path);
  if (fs::symlink_status(tree).type() != fs::file_type::directory)
    throw build_error(subject + *value + " is not a folder");
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator{tree}) entries.push_back(entry.path());
  std::ranges::sort(entries);
  bool has_etc = false;
  for (const fs::path& entry : entries) {
    const std::string name = entry.filename().string();
    if (name == "proc" || name == "dev" || name == "build" || name == "tmp" || name == "kpkg")
      throw build_error(subject + "its entry /" + name + " is a place that the sandbox provides itself");
    has_etc |= name == "etc";
    if (fs::is_symlink(fs::symlink_status(entry)))
      sandbox.symlinks.push_back({"/" + name, fs::read_symlink(entry).string()});
    else
      sandbox.mounts.push_back({entry, "/" + name, false});
  }
  return has_etc;
}

void write_etc(const fs::path& etc, bool network) {
  fs::create_directory(etc);
  write_file(etc / "passwd", "root:x:0:0:root:/build:/noshell\n"
                             "build:x:1000:100:build user:/build:/noshell\n"
                             "nobody:x:65534:65534:nobody:/:/noshell\n");
  write_file(etc / "group", "root:x:0:\nbuild:!:100:\nnogroup:x:65534:\n");
  write_file(etc / "hosts", "127.0.0.1 localhost\n::1 localhost\n");
  if (!network) return;
  for (const char* name : {"resolv.conf", "nsswitch.conf", "services"}) {
    std::error_code absent; // a host without one resolves without it
    fs::copy_file(fs::path{"/etc"} / name, etc / name, absent);
  }
}

std::map<std::string, std::string> environment(const Derivation& derivation, const fs::path& build) {
  std::map<std::string, std::string> env{{"PATH", "/path-not-set"},
                                         {"HOME", "/homeless-shelter"},
                                         {"TZ", "UTC"},
                                         {"SOURCE_DATE_EPOCH", "1"},
                                         {"NIX_BUILD_CORES", "1"}};
  for (const auto& [name, value] : derivation.env) env[name] = value;
  if (const std::string* names = env_of(derivation, "passAsFile")) {
    for (const std::string& name : words(*names)) {
      const std::string* value = env_of(derivation, name);
      if (value == nullptr) continue;
      const std::string file = ".attr-" + store::hash_text(name).nix32();
      write_file(build / file, *value);
      env[name + "Path"] = "/build/" + file;
      env.erase(name);
    }
  }
  if (const std::string* names = env_of(derivation, "impureEnvVars"); names != nullptr && derivation.is_fixed_output())
    for (const std::string& name : words(*names))
      if (const char* value = std::getenv(name.c_str())) env[name] = value;
  env["NIX_STORE"] = store::kStoreDir;
  for (const char* name : {"NIX_BUILD_TOP", "KPKG_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP"}) env[name] = "/build";
  return env;
}

Sandbox make_sandbox(store::LocalStore& local, const Derivation& derivation, const StorePathSet& inputs,
                     const fs::path& folder) {
  const fs::path build = folder / "build", temporary = folder / "tmp", etc = folder / "etc", outputs = folder / "store";
  for (const fs::path& path : {build, temporary, outputs}) fs::create_directory(path);
  Sandbox sandbox;
  sandbox.network = derivation.is_fixed_output();
  if (!add_sandbox_root(local, derivation, inputs, sandbox)) {
    write_etc(etc, sandbox.network);
    sandbox.mounts.push_back({etc, "/etc", false});
  }
  sandbox.mounts.push_back({build, "/build", true});
  sandbox.mounts.push_back({temporary, "/tmp", true});
  sandbox.mounts.push_back({outputs, std::string{store::kStoreDir}, true});
  for (const StorePath& path : inputs) add_input_mount(local.physical(path), path, outputs, sandbox);
  sandbox.working_folder = "/build";
  sandbox.env = environment(derivation, build);
  sandbox.program = derivation.builder;
  sandbox.args = derivation.args;
  return sandbox;
}

// --- the run

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
  case RunOutcome::Kind::not_started: break;
  }
  if (outcome.detail.starts_with("bwrap: execvp ")) {
    hint =
        "the sandbox shows nothing but the derivation's inputs: a builder like /bin/sh needs a sandboxRoot that has it";
    return "its builder " + derivation.builder + " cannot be executed (" + outcome.detail.substr(14) + ")";
  }
  if (outcome.detail.contains("namespace") || outcome.detail.contains("uid map") ||
      outcome.detail.contains("Operation not permitted"))
    hint = "the sandbox needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or in a container an option "
           "like --security-opt seccomp=unconfined";
  return "the sandbox could not be set up (" + outcome.detail + ")";
}

// --- the checks

struct Made {
  std::string id;
  StorePath path;
  fs::path tree;
  std::string content_address;
};

std::vector<Made> find_outputs(const Derivation& derivation, const fs::path& private_store) {
  std::vector<Made> made;
  for (const auto& [id, output] : derivation.outputs) {
    const fs::path tree = private_store / output.path->base_name();
    struct stat status{};
    if (::lstat(tree.c_str(), &status) != 0)
      throw build_error("building “" + derivation.name +
                            "” failed: its builder succeeded but did not make the output “" + id + "” (" +
                            output.path->full() + ")",
                        "the builder must create a file or folder at $" + id);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
      throw build_error("building “" + derivation.name + "” failed: its output “" + id +
                        "” is neither a file nor a folder nor a symbolic link");
    made.push_back({id, *output.path, tree, {}});
  }
  return made;
}

store::Hash hash_tree(const fs::path& tree, store::HashAlgorithm algorithm) {
  if (algorithm == store::HashAlgorithm::sha256) return store::hash_path(tree).first;
  store::Hasher hasher{algorithm};
  store::NarWriter writer{[&](store::Bytes data) -> store::Result<void> {
    hasher.update(data);
    return {};
  }};
  store::dump_path(tree, writer);
  store::unwrap(writer.finish(), tree.string());
  return hasher.finish();
}

store::Hash hash_file(const fs::path& file, store::HashAlgorithm algorithm) {
  store::Hasher hasher{algorithm};
  const store::UniqueFd fd = store::open_file(file, O_RDONLY | O_NOFOLLOW);
  std::vector<std::byte> buffer(size_t{64} << 10);
  while (const size_t size = store::read_some(fd.get(), buffer, file)) hasher.update(std::span{buffer}.first(size));
  return hasher.finish();
}

void check_fixed_output(const Derivation& derivation, Made& made) {
  const DerivationOutput& output = derivation.outputs.at(made.id);
  const std::string subject = "building “" + derivation.name + "” failed: ";
  const bool recursive = output.method_algorithm.starts_with("r:");
  const auto algorithm =
      store::unwrap(store::parse_hash_algorithm(std::string_view{output.method_algorithm}.substr(recursive ? 2 : 0)),
                    derivation.name);
  const store::Hash expected = store::unwrap(store::Hash::parse(output.hash_base16, algorithm), derivation.name);
  if (!recursive) {
    const auto status = fs::symlink_status(made.tree);
    if (status.type() != fs::file_type::regular || (status.permissions() & fs::perms::owner_exec) != fs::perms::none)
      throw build_error(subject + "its output is not a plain, non-executable file, as a flat hash needs",
                        "set outputHashMode = \"recursive\"");
  }
  const store::Hash found = recursive ? hash_tree(made.tree, algorithm) : hash_file(made.tree, algorithm);
  if (found != expected)
    throw build_error(subject + "its output does not have the promised hash\n  promised: " + expected.sri() +
                          "\n  built:    " + found.sri(),
                      "if the new content is what you want, write its hash into the derivation");
  made.content_address = std::string{"fixed:"} + (recursive ? "r:" : "") + found.to_string();
}

// A name of one of the derivation's own outputs, or a store path.
StorePathSet reference_list(const Derivation& derivation, const std::string& name, const std::string& text) {
  StorePathSet paths;
  for (const std::string& word : words(text)) {
    if (const auto output = derivation.outputs.find(word); output != derivation.outputs.end()) {
      paths.insert(*output->second.path);
      continue;
    }
    const auto path = StorePath::parse(word);
    if (!path)
      throw build_error(name + " of “" + derivation.name + "”: “" + word +
                        "” is neither a store path nor one of its outputs");
    paths.insert(*path);
  }
  return paths;
}

StorePathSet references_of(const fs::path& tree, const StorePathSet& candidates) {
  store::ReferenceScanner scanner{candidates};
  store::NarWriter writer{[&](store::Bytes data) -> store::Result<void> {
    scanner.feed(data);
    return {};
  }};
  store::dump_path(tree, writer);
  store::unwrap(writer.finish(), tree.string());
  return scanner.found();
}

void check_references(const Derivation& derivation, const Made& made, const StorePathSet& candidates) {
  const std::string* allowed = env_of(derivation, "allowedReferences");
  const std::string* disallowed = env_of(derivation, "disallowedReferences");
  const bool fixed = derivation.is_fixed_output();
  if (allowed == nullptr && disallowed == nullptr && !fixed) return;
  const StorePathSet found = references_of(made.tree, candidates);
  const StorePathSet allowed_paths =
      allowed ? reference_list(derivation, "allowedReferences", *allowed) : StorePathSet{};
  const StorePathSet disallowed_paths =
      disallowed ? reference_list(derivation, "disallowedReferences", *disallowed) : StorePathSet{};
  for (const StorePath& path : found) {
    const std::string subject =
        "building “" + derivation.name + "” failed: its output “" + made.id + "” refers to " + path.full();
    if (fixed) throw build_error(subject + ", and a fixed output may refer to no store path");
    if (allowed != nullptr && !allowed_paths.contains(path))
      throw build_error(subject + ", which is not in allowedReferences");
    if (disallowed_paths.contains(path)) throw build_error(subject + ", which is in disallowedReferences");
  }
}

// --- the second build of --check

// Relative paths at which two trees differ, at most `limit`.
void differences(const fs::path& a, const fs::path& b, const std::string& name, size_t limit,
                 std::vector<std::string>& found) {
  if (found.size() >= limit) return;
  std::error_code error;
  const auto type = fs::symlink_status(a, error).type();
  if (type != fs::symlink_status(b, error).type()) return found.push_back(name);
  if (type == fs::file_type::directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator{a}) names.insert(entry.path().filename().string());
    for (const auto& entry : fs::directory_iterator{b}) names.insert(entry.path().filename().string());
    for (const std::string& entry : names)
      differences(a / entry, b / entry, name.empty() ? entry : name + "/" + entry, limit, found);
  } else if (fs::exists(fs::symlink_status(a)) && store::hash_path(a).first != store::hash_path(b).first) {
    found.push_back(name.empty() ? "(the output itself)" : name);
  }
}

void compare_with_store(store::LocalStore& local, const Derivation& derivation, const std::vector<Made>& made) {
  std::string text;
  for (const Made& output : made) {
    const auto info = local.query(output.path);
    if (!info) continue;
    const store::Hash found = store::hash_path(output.tree).first;
    if (found == info->nar_hash) continue;
    text += "\n  " + output.path.full() + "\n    in the store: " + info->nar_hash.to_string() +
            "\n    built now:    " + found.to_string();
    std::vector<std::string> names;
    differences(local.physical(output.path), output.tree, "", 10, names);
    for (const std::string& name : names) text += "\n    differs:      " + name;
  }
  if (!text.empty())
    throw build_error("“" + derivation.name + "” is not reproducible: a second build made something else" + text,
                      "run it with --keep-failed to keep the second build's outputs for comparison");
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

  BuildFolder folder{local.root(), drv_path.digest()};
  const auto with_folder_kept = [&](const store::UserError& error, const std::string& more = {}) {
    std::string message = error.what() + more;
    if (options.keep_failed) message += "\nthe build folder is kept as " + folder.keep(derivation.name).string();
    return build_error(message, error.hint());
  };

  const Sandbox sandbox = make_sandbox(local, derivation, inputs, folder.path());
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
    std::vector<Made> made = find_outputs(derivation, folder.path() / "store");
    StorePathSet candidates = inputs;
    for (const Made& output : made) candidates.insert(output.path);
    if (options.check) {
      compare_with_store(local, derivation, made);
    } else {
      std::vector<store::LocalStore::BuiltOutput> built;
      for (Made& output : made) {
        if (derivation.is_fixed_output()) check_fixed_output(derivation, output);
        check_references(derivation, output, candidates);
        if (!local.is_valid(output.path)) built.push_back({output.path, output.tree, output.content_address});
      }
      static_cast<void>(local.add_outputs(built, candidates, drv_path));
    }
    std::vector<store::PathInfo> infos;
    for (const Made& output : made)
      if (auto info = local.query(output.path)) infos.push_back(std::move(*info));
    return infos;
  } catch (const store::UserError& error) {
    if (error.code() != store::UserErrorCode::build) throw;
    throw with_folder_kept(error);
  }
}

} // namespace realise
