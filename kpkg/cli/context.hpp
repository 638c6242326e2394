// One invocation: what the options that every command has say, the store, and the two ways out: results on standard
// output, what is going on on standard error.
#pragma once
#include "store/local/local_store.hpp"
#include "store/posix/secret.hpp"
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace kpkg {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// JSON text; what is no UTF-8 in it (names from outside) becomes U+FFFD, and what printable() would show instead of
// send is written as \uXXXX. indent -1: one line.
[[nodiscard]] std::string json_text(const Json& json, int indent = -1);

struct Context {
  std::string root; // --root, else $KPKG_ROOT or the default
  bool json = false;
  bool quiet = false;
  bool colour = false;               // on standard error
  store::Secret token{};             // what stood in $KPKG_TOKEN
  std::optional<int> guest_status{}; // run and system boot: what the guest ended with, 0…255; kpkg ends with it, too

  [[nodiscard]] fs::path store_root() const;
  [[nodiscard]] store::LocalStore& store(); // opened on first use
  // A line of what is going on, to standard error, unless --quiet.
  void say(const std::string& line) const;
  // A line of a build's log, behind «PACKAGE> », likewise; its colours are kept where standard error has some.
  void say_log_line(std::string_view package, std::string_view line) const;
  // A result to standard output: the JSON with --json, else the text; control characters are shown on a terminal.
  void print(const std::string& text, const Json& json_value) const;
  // The same of a build log: on a terminal it keeps its colours, unless $NO_COLOR is set.
  void print_log(const std::string& log, const Json& json_value) const;
  // A result that is JSON text already, of whatever depth.
  void print_json(const std::string& text) const;

private:
  std::unique_ptr<store::LocalStore> store_{};
};

} // namespace kpkg
