#include "kpkg/cli/credentials.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <cstdlib>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace kpkg {

namespace {

constexpr size_t kMaxSecretFileBytes = 64 * 1024;

std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

// As ssh: a pipe has no permissions that would matter, and the mode of another owner's file (a mounted secret's) is not
// for this user to change.
void check_private(int fd, const std::string& file) {
  struct stat status{};
  store::check_errno(::fstat(fd, &status), "look at", file);
  if (S_ISREG(status.st_mode) && status.st_uid == ::getuid() && (status.st_mode & 077) != 0)
    throw store::UserError("others than its owner may read or write the secret key file " + file,
                           "chmod 600 " + file + ", and make a new key if others may have read it");
}

store::Secret first_line_of(int fd, const std::string& file) {
  store::hide_memory();
  const store::Secret text(store::read_all(fd, file, kMaxSecretFileBytes));
  return store::Secret(std::string(text.reveal().substr(0, text.reveal().find_first_of("\r\n"))));
}

} // namespace

store::SecretKey read_secret_key(const std::string& file) {
  const store::UniqueFd fd = store::open_file(file, O_RDONLY);
  check_private(fd.get(), file);
  auto key = store::SecretKey::parse(first_line_of(fd.get(), file).reveal());
  if (!key)
    throw store::UserError(key.error().describe(file),
                           "a secret key file is made by: kpkg key generate NAME --out FILE");
  return std::move(*key);
}

std::vector<store::PublicKey> trusted_keys(const Context& context, const std::vector<std::string>& options) {
  std::vector<store::PublicKey> keys;
  const auto add = [&](const std::string& text, const std::string& subject) {
    auto key = store::PublicKey::parse(text);
    if (!key) throw store::UserError(key.error().describe(subject), "a public key is NAME:BASE64");
    keys.push_back(std::move(*key));
  };
  for (const auto& text : options) add(text, "--trusted-key");
  if (const char* variable = std::getenv("KPKG_TRUSTED_KEYS")) {
    std::istringstream words(variable);
    for (std::string word; words >> word;) add(word, "KPKG_TRUSTED_KEYS");
  }
  const fs::path file = context.store_root() / "etc" / "trusted-keys";
  if (fs::exists(file)) {
    std::istringstream lines(store::read_file(file));
    for (std::string line; std::getline(lines, line);)
      if (line = first_line(line); !line.empty() && line.front() != '#') add(line, file.string());
  }
  return keys;
}

store::Secret read_token(Context& context, const std::string& token_file) {
  store::hide_memory();
  if (token_file.empty()) return std::move(context.token);
  return first_line_of(store::open_file(token_file, O_RDONLY).get(), token_file);
}

} // namespace kpkg
