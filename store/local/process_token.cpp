#include "store/local/process_token.hpp"
#include "store/base/thread_annotations.hpp"
#include "store/format/encoding.hpp"
#include "store/posix/lock_file.hpp"
#include <array>
#include <map>
#include <mutex>
#include <sodium.h>

namespace store {
namespace {

namespace fs = std::filesystem;

std::string random_token() {
  std::array<std::byte, 10> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return encode_nix32(bytes);
}

struct Tokens {
  std::mutex mutex;
  std::map<fs::path, LockFile> by_folder KPKG_GUARDED_BY(mutex);
};

} // namespace

std::string process_token(const fs::path& processes) {
  // The process itself is what the tokens stand for: this is the one thing of the store that is per process. Never
  // destroyed: a child that forks and exits must not remove the files of the process that lives.
  static auto& all = *new Tokens; // NOLINT(*-owning-memory)
  const std::lock_guard lock{all.mutex};
  auto& tokens = all.by_folder;
  auto known = tokens.find(processes);
  // The file is gone when the folder was removed (tests do that) and made again.
  if (known != tokens.end() && !is_same_file(known->second.fd(), known->second.file())) {
    tokens.erase(known);
    known = tokens.end();
  }
  if (known == tokens.end()) known = tokens.emplace(processes, LockFile{processes / random_token()}).first;
  return known->second.file().filename().string();
}

bool is_process_alive(const fs::path& processes, std::string_view token) {
  const fs::path file = processes / token;
  // A lock that can be had belongs to nobody; letting go of it removes the file.
  if (LockFile::try_lock(file, LockFile::Missing::give_up)) return false;
  std::error_code error;
  return fs::exists(file, error);
}

} // namespace store
