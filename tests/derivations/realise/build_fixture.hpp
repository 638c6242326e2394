// A store with a captured shell, and derivations made from a line of shell script. The tests of one executable share
// the folder, because capturing takes longer than most of them; a number in every derivation keeps their outputs apart.
#pragma once
#include <new>

#include <catch2/catch.hpp>

#include "derivations/realise/scheduler.hpp"
#include "derivations/realise/toolchain.hpp"
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace realise::test {
namespace fs = std::filesystem;
using store::Derivation;
using store::StorePath;

inline void skip(const std::string& why) {
  std::cout << "SKIPPED: " << why << std::endl;
  std::exit(77);
}

class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "kpkg-build-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    for (fs::recursive_directory_iterator entry{path_, error}, end; !error && entry != end; entry.increment(error))
      if (entry->symlink_status().type() == fs::file_type::directory)
        fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, error);
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

inline std::string contents_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

class BuildStore {
public:
  BuildStore() : local(shared_folder().path() / "root"), number_(next_number()++) {
    if (const auto imported = find_toolchain(local, "shell"))
      shell = imported->full();
    else
      shell = import_toolchain(local, "shell").path.full();
    folder_ = shared_folder().path() / std::to_string(number_);
    fs::create_directories(folder_);
  }
  [[nodiscard]] const fs::path& folder() const { return folder_; } // the test's own

  // A derivation that runs `script` with the captured shell; `change` may alter it before its paths are computed.
  StorePath derivation(const std::string& name, const std::string& script,
                       const std::function<void(Derivation&)>& change = {}) {
    Derivation drv;
    drv.name = name;
    drv.outputs["out"] = {};
    drv.system = "x86_64-linux";
    drv.builder = "/bin/sh";
    drv.args = {"-euc", script};
    drv.env = {{"name", name},         {"builder", "/bin/sh"}, {"system", "x86_64-linux"},
               {"sandboxRoot", shell}, {"PATH", "/bin"},       {"test", std::to_string(number_)}};
    drv.input_srcs = {store::unwrap(StorePath::parse(shell), shell)};
    if (change) change(drv);
    return local.add_derivation(drv);
  }
  // Adds an output of another derivation as an input, and its path as the variable `variable`.
  std::function<void(Derivation&)> with_input(const StorePath& drv_path, const std::string& variable,
                                              const std::string& id = "out") {
    return [this, drv_path, variable, id](Derivation& drv) {
      drv.input_drvs[drv_path].insert(id);
      drv.env[variable] = local.read_derivation(drv_path).outputs.at(id).path->full();
    };
  }
  store::PathInfo build_out(const StorePath& drv_path, const BuildOptions& options = {}) {
    return realise::build(local, {{drv_path, {"out"}}}, options).targets.at(0).outputs.at("out");
  }
  // What a script prints into its output file.
  std::string result_of(const std::string& script, const std::function<void(Derivation&)>& change = {}) {
    return contents_of(local.physical(build_out(derivation("result", script, change)).path));
  }
  StorePath out_of(const StorePath& drv_path, const std::string& id = "out") {
    return *local.read_derivation(drv_path).outputs.at(id).path;
  }
  // The message with which a build fails.
  std::string failure_of(const StorePath& drv_path, const BuildOptions& options = {}) {
    try {
      static_cast<void>(build_out(drv_path, options));
    } catch (const store::UserError& error) {
      hint = error.hint();
      return error.what();
    }
    return "(it did not fail)";
  }

private:
  static const TemporaryFolder& shared_folder() {
    static const TemporaryFolder folder;
    return folder;
  }
  static int& next_number() {
    static int number = 0;
    return number;
  }

public:
  store::LocalStore local;
  std::string shell, hint;

private:
  fs::path folder_;
  int number_;
};

} // namespace realise::test
