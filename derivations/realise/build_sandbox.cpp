// The private folder `store` of the build folder is the sandbox's /kpkg/store. A mount point for every input is made in
// it before anything is mounted, exclusively and without following links: a mount point made during mounting could be
// created through an earlier mount, in somebody else's folder.
#include "derivations/realise/build_sandbox.hpp"
#include "derivations/realise/attributes.hpp"
#include "store/posix/file_io.hpp"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace realise {
namespace {
namespace fs = std::filesystem;
using store::Derivation;
using store::StorePath;
using store::StorePathSet;

void write_file(const fs::path& file, std::string_view text) {
  const store::UniqueFd fd = store::open_file(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  store::write_all(fd.get(), store::as_bytes(text), file);
}

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

} // namespace

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

} // namespace realise
