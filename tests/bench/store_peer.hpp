// Measuring the store beside nix in one run: CPU seconds (user and system), which a busy machine distorts less than the
// clock; trees in memory where possible, because creating files on a disk hides the program.
#pragma once
#include "store/local/file_tree.hpp"
#include "store/posix/system_error.hpp"
#include "store/posix/user_error.hpp"
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>

namespace store {

inline double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

template <class Work> double measure(const Work& work) {
  const double begin = cpu_seconds(RUSAGE_SELF);
  work();
  return cpu_seconds(RUSAGE_SELF) - begin;
}

class BenchFolder {
public:
  BenchFolder() {
    std::string name = std::string{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"} + "/kpkg-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw_errno("create", name);
    path_ = name;
    for (const char* sub : {"conf", "home", "cache"}) std::filesystem::create_directory(path_ / sub);
    std::ofstream{path_ / "conf/nix.conf"}
        << "experimental-features = nix-command\nbuild-users-group =\nsandbox = false\n";
  }
  ~BenchFolder() {
    try {
      remove_tree(path_);
    } catch (const UserError& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  // One big file in pieces of a megabyte, and many small files in folders of a hundred.
  [[nodiscard]] std::filesystem::path big_tree(size_t size_mib) const {
    std::filesystem::create_directories(path_ / "big/sub");
    std::ofstream file{path_ / "big/sub/file", std::ios::binary};
    std::string block(1u << 20, '\0');
    uint64_t state = 1;
    for (size_t i = 0; i < size_mib; ++i) {
      for (char& c : block) c = static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
      file << block;
    }
    return path_ / "big";
  }
  [[nodiscard]] std::filesystem::path many_files(int count) const {
    for (int i = 0; i < count; ++i) {
      const std::filesystem::path folder = path_ / "many" / std::to_string(i / 100);
      std::filesystem::create_directories(folder);
      std::ofstream{folder / ("file" + std::to_string(i))} << "contents of file " << i << "\n";
    }
    return path_ / "many";
  }

  // CPU seconds of nix with all its state in this folder; negative when it is not installed or fails.
  [[nodiscard]] double nix(const std::string& command) const {
    const std::string at = path_.string();
    const std::string full = "env -i PATH=\"$PATH\" NIX_STORE_DIR=/kpkg/store NIX_STATE_DIR=" + at +
                             "/state NIX_LOCALSTATE_DIR=" + at + "/state NIX_LOG_DIR=" + at +
                             "/log NIX_CONF_DIR=" + at + "/conf HOME=" + at + "/home XDG_CACHE_HOME=" + at +
                             "/cache NIX_REMOTE='local?root=" + at + "/root' " + command + " >/dev/null 2>&1";
    const double begin = cpu_seconds(RUSAGE_CHILDREN);
    const int status = std::system(full.c_str());
    return status == 0 ? cpu_seconds(RUSAGE_CHILDREN) - begin : -1;
  }

private:
  std::filesystem::path path_;
};

inline void report(const char* name, double ours, double peers) {
  if (peers < 0)
    std::printf("%-28s %8.3f s (nix not measured)\n", name, ours);
  else
    std::printf("%-28s %8.3f s  nix %8.3f s  %.2f times nix's speed\n", name, ours, peers, peers / ours);
  std::fflush(stdout);
}

} // namespace store
