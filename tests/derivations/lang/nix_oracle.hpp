// A stock nix as the oracle: its store, state, log and configuration live in a temporary folder.
#pragma once
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace oracle {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}
inline void write_file(const fs::path& path, const std::string& text) { std::ofstream{path, std::ios::binary} << text; }

// The entries of a file in tests/derivations/lang/golden, which lines of «==» separate.
inline std::vector<std::string> golden(const std::string& name) {
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  const fs::path path = fs::path{source ? source : "."} / "tests/derivations/lang/golden" / name;
  std::vector<std::string> entries(1);
  std::istringstream lines{read_file(path)};
  for (std::string line; std::getline(lines, line);) {
    if (line == "==")
      entries.emplace_back();
    else
      entries.back() += line + "\n";
  }
  return entries;
}

inline bool have_nix() { return std::system("nix-instantiate --version >/dev/null 2>&1") == 0; }

class Folder {
public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "kpkg-lang-XXXXXX").string();
    path = fs::canonical(mkdtemp(name.data()));
    for (const char* sub : {"store", "state", "log", "conf", "home", "fixture"}) fs::create_directory(path / sub);
    write_file(path / "fixture/value.nix", "41 + 1");
    write_file(path / "fixture/default.nix", "{ isDefault = true; }");
    write_file(path / "fixture/fun.nix", "x: x * 2");
    write_file(path / "fixture/scoped.nix", "[ x (toString 1) ]");
    write_file(path / "fixture/text", "some text\n");
    fs::create_symlink("nowhere", path / "fixture/link");
    write_file(path / "conf/nix.conf", "sandbox = false\nbuild-users-group =\n");
  }
  ~Folder() {
    std::error_code ignored;
    if (fs::exists(path / "store")) // nix leaves read-only folders
      for (const auto& entry : fs::recursive_directory_iterator(path / "store", ignored))
        if (entry.is_directory() && !entry.is_symlink()) fs::permissions(entry, fs::perms::owner_all, ignored);
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  struct Result {
    int status;
    std::string output; // standard output only
  };
  [[nodiscard]] Result nix_instantiate(const std::string& arguments) const {
    const std::string p = path.string();
    const std::string command = "cd '" + p + "' && NIX_REMOTE= NIX_PATH= NIX_STORE_DIR='" + p +
                                "/store' NIX_STATE_DIR='" + p + "/state' NIX_LOG_DIR='" + p + "/log' NIX_CONF_DIR='" +
                                p + "/conf' HOME='" + p + "/home' nix-instantiate " + arguments + " 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    Result result{-1, {}};
    std::array<char, 4096> buffer;
    while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) result.output.append(buffer.data(), n);
    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }
  // Writes the entries as PREFIXn.nix; their names.
  [[nodiscard]] std::vector<std::string> write_entries(const std::string& prefix,
                                                       const std::vector<std::string>& entries) const {
    std::vector<std::string> names;
    for (size_t i = 0; i < entries.size(); ++i) {
      names.push_back(prefix + std::to_string(i) + ".nix");
      write_file(path / names.back(), entries[i]);
    }
    return names;
  }

  fs::path path;
};

} // namespace oracle
