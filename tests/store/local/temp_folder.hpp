// A folder for one test, removed with all its contents, also read-only ones.
#pragma once
#include "store/local/local_store.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <fstream>
#include <stdlib.h>

namespace store {

class TempFolder {
public:
  TempFolder() {
    // In memory where that is possible: what is tested is what is written, not how fast a disk syncs.
    const std::filesystem::path parent =
        ::access("/dev/shm", W_OK) == 0 ? std::filesystem::path{"/dev/shm"} : std::filesystem::temp_directory_path();
    std::string name = (parent / "kpkg-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("create", name);
    path_ = name;
  }
  ~TempFolder() {
    try {
      remove_tree(path_);
    } catch (const UserError&) { // the test has its result already
    }
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view contents, bool executable = false) {
  std::ofstream{path, std::ios::binary}.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  if (executable) std::filesystem::permissions(path, std::filesystem::perms{0755});
}

// A derivation with these outputs, in the store.
inline StorePath make_derivation(LocalStore& store, const std::string& name,
                                 const std::set<std::string>& outputs = {"out"}, const StorePathSet& inputs = {}) {
  Derivation drv{.name = name, .input_srcs = inputs, .system = "x86_64-linux", .builder = "/bin/sh"};
  for (const std::string& id : outputs) drv.outputs[id] = {};
  return store.add_derivation(drv);
}

// The path of one of its outputs.
inline StorePath output_of(LocalStore& store, const StorePath& drv_path, const std::string& id = "out") {
  return *store.read_derivation(drv_path).outputs.at(id).path;
}

// Registers trees as its outputs, as if a builder had made them.
inline std::vector<PathInfo> add_outputs(LocalStore& store, const StorePath& drv_path,
                                         const std::map<std::string, std::filesystem::path>& trees,
                                         const StorePathSet& candidates = {}) {
  return store.register_outputs(store.take_outputs(drv_path, trees, candidates, {}));
}

} // namespace store
