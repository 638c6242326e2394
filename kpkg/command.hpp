// What the commands share: the context of one invocation, how they fail, and their registration. One file per command;
// each declares its options beside its help text and has no logic that a library could own.
#pragma once
#include "store/local/local_store.hpp"
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace kpkg {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Documented in `kpkg --help` and README; do not change.
enum ExitStatus : int {
  kSuccess = 0,
  kFailed = 1,       // files, network, store, link errors
  kUsage = 2,        // unknown option, missing argument
  kEvalFailed = 3,   // the Nix expression does not parse or evaluate
  kBuildFailed = 4,  // a builder failed
  kRefused = 5,      // a signature, hash or token was not accepted
  kInvalidWasm = 6,  // the module does not decode or validate
  kNotStarted = 125, // system boot: an awaited instance could not be started
  kTrapped = 134,    // the guest trapped (run, system boot)
};

class Failure : public std::runtime_error {
public:
  Failure(ExitStatus status, const std::string& message, std::string hint = {})
      : std::runtime_error(message), status_(status), hint_(std::move(hint)) {}
  [[nodiscard]] ExitStatus status() const { return status_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }

private:
  ExitStatus status_;
  std::string hint_;
};

struct Context {
  std::string root; // --root, else $KPKG_ROOT or the default
  bool json = false;
  bool quiet = false;
  bool colour = false;
  int status = kSuccess; // of the command: for run and system boot the guest's

  [[nodiscard]] store::LocalStore& store(); // opened on first use
  // A line of what is going on, to standard error, unless --quiet.
  void say(const std::string& line) const;
  // A result to standard output: the JSON with --json, else the text.
  void print(const std::string& text, const Json& json_value) const;
  // Files beside the program: PREFIX/share/kpkg/NAME.
  [[nodiscard]] static fs::path shared_file(std::string_view name);

private:
  std::unique_ptr<store::LocalStore> store_;
};

// Keys and tokens from options, environment and files.
[[nodiscard]] std::string read_file(const fs::path& file); // Failure where it cannot be read
[[nodiscard]] store::SecretKey read_secret_key(const std::string& file);
// --trusted-key options, $KPKG_TRUSTED_KEYS (separated by spaces) and ROOT/etc/trusted-keys (one per line).
[[nodiscard]] std::vector<store::PublicKey> trusted_keys(const Context& context,
                                                         const std::vector<std::string>& options);
[[nodiscard]] std::string read_token(const std::string& token_file); // $KPKG_TOKEN where the option is empty

// A store path as the user names it: full, base name, or any path below it.
[[nodiscard]] store::StorePath parse_store_path(std::string_view text);
[[nodiscard]] store::StorePathSet parse_store_paths(const std::vector<std::string>& texts);

// Writes `contents` to a file so that a crash leaves the old file or the new one. mode: permissions of a new file.
void write_file(const fs::path& file, std::string_view contents, unsigned mode = 0644);

void add_build(CLI::App& app, Context& context);
void add_builtins(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_install(CLI::App& app, Context& context);
void add_instantiate(CLI::App& app, Context& context);
void add_key(CLI::App& app, Context& context);
void add_log(CLI::App& app, Context& context);
void add_profile(CLI::App& app, Context& context);
void add_push(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_store(CLI::App& app, Context& context);
void add_system(CLI::App& app, Context& context);
void add_toolchain(CLI::App& app, Context& context);

} // namespace kpkg
