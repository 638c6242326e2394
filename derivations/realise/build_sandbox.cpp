// Everything that the builder can write is a folder below the sandbox's root; everything else comes from the store.
#include "derivations/realise/build_sandbox.hpp"
#include "derivations/realise/attributes.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/folder.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

namespace realise {
namespace {
namespace fs = std::filesystem;
using store::Derivation;
using store::StorePath;
using store::StorePathSet;

void write_file(const fs::path& file, std::string_view text) {
  const store::UniqueFd fd = store::open_file(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  store::check_errno(::fchmod(fd.get(), 0644), "set the mode of", file); // whatever the umask
  store::write_all(fd.get(), store::as_bytes(text), file);
}

void add_input(const fs::path& physical, const StorePath& path, Sandbox& sandbox) {
  struct stat status{};
  if (::lstat(physical.c_str(), &status) != 0)
    throw build_error("the store has lost " + path.full() + ": " + std::strerror(errno), "kpkg store verify");
  if (S_ISLNK(status.st_mode)) // a mount would follow it
    sandbox.symlinks.push_back({path.full(), fs::read_symlink(physical).string()});
  else
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
  store::make_folder(etc, 0755);
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

// What fetchers need of the caller's environment to reach the network, and what no secret is kept in.
constexpr std::array<std::string_view, 18> kPassedVariables{
    "http_proxy",          "https_proxy",       "ftp_proxy",      "all_proxy",      "no_proxy",
    "HTTP_PROXY",          "HTTPS_PROXY",       "FTP_PROXY",      "ALL_PROXY",      "NO_PROXY",
    "SSL_CERT_FILE",       "NIX_SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NIX_GIT_SSL_CAINFO",
    "NIX_CONNECT_TIMEOUT", "GIT_PROXY_COMMAND", "SOCKS_SERVER"};

// A builder with a network gets of the caller's environment what carries no secret, and what the caller says.
void check_passable(const Derivation& derivation, const std::string& name, const std::vector<std::string>& passed) {
  const std::string asks = "“" + derivation.name + "” asks for the environment variable " + name + ", which ";
  if (::strncasecmp(name.c_str(), "KPKG_", 5) == 0) throw build_error(asks + "no builder is given");
  if (!std::ranges::contains(kPassedVariables, name) && !std::ranges::contains(passed, name))
    throw build_error(asks + "is not handed on unasked", "if you trust the builder with it: --pass-env " + name);
}

std::map<std::string, std::string> environment(const Derivation& derivation, const fs::path& build,
                                               const std::vector<std::string>& passed_variables) {
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
    for (const std::string& name : words(*names)) {
      check_passable(derivation, name, passed_variables);
      if (const char* value = std::getenv(name.c_str())) env[name] = value;
    }
  env["NIX_STORE"] = store::kStoreDir;
  for (const char* name : {"NIX_BUILD_TOP", "KPKG_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP"}) env[name] = "/build";
  return env;
}

} // namespace

Sandbox make_sandbox(store::LocalStore& local, const Derivation& derivation, const StorePathSet& inputs,
                     const BuildFolder& folder, const std::vector<std::string>& passed_variables) {
  const fs::path root = folder.path() / "root", build = root / "build";
  Sandbox sandbox{.folder = folder.path(),
                  .store = local.store_folder(),
                  .identity = folder.identity(),
                  .network = derivation.is_fixed_output(),
                  .working_folder = "/build",
                  .program = derivation.builder,
                  .args = derivation.args};
  store::make_folder(root, 0755);
  for (const fs::path& writable : {build, root / "tmp", outputs_folder(folder)}) {
    store::make_folder(writable, 0755);
    store::check_errno(::chown(writable.c_str(), sandbox.identity.uid, sandbox.identity.gid), "give away", writable);
  }
  if (!add_sandbox_root(local, derivation, inputs, sandbox)) write_etc(root / "etc", sandbox.network);
  for (const StorePath& path : inputs) add_input(local.physical(path), path, sandbox);
  sandbox.env = environment(derivation, build, passed_variables);
  return sandbox;
}

fs::path outputs_folder(const BuildFolder& folder) {
  return folder.path() / "root" / fs::path{store::kStoreDir}.relative_path();
}

} // namespace realise
