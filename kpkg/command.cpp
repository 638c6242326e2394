#include "kpkg/command.hpp"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace kpkg {

store::LocalStore& Context::store() {
  if (!store_) store_ = std::make_unique<store::LocalStore>(root.empty() ? store::default_root() : fs::path(root));
  return *store_;
}

void Context::say(const std::string& line) const {
  if (!quiet) std::cerr << line << std::endl;
}

void Context::print(const std::string& text, const Json& json_value) const {
  if (json)
    std::cout << json_value.dump(2) << std::endl;
  else if (!text.empty())
    std::cout << text << (text.ends_with('\n') ? "" : "\n") << std::flush;
}

fs::path Context::shared_file(std::string_view name) {
  const fs::path file = fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "share" / "kpkg" / name;
  if (!fs::exists(file)) throw Failure(kFailed, file.string() + " is missing", "kpkg is not completely installed");
  return file;
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || fs::is_directory(file) || !(text << in.rdbuf())) {
    if (in && fs::is_regular_file(file) && fs::file_size(file) == 0) return {};
    throw Failure(kFailed,
                  "cannot read " + file.string() + ": " + (fs::exists(file) ? "not a readable file" : "no such file"));
  }
  return text.str();
}

void write_file(const fs::path& file, std::string_view contents, unsigned mode) {
  const fs::path temporary = file.string() + ".tmp-" + std::to_string(::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const auto fail = [&](const char* doing) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    ::unlink(temporary.c_str());
    throw Failure(kFailed, std::string("cannot ") + doing + " " + file.string() + ": " + reason);
  };
  if (fd < 0) fail("create");
  while (!contents.empty()) {
    const ssize_t written = ::write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) fail("sync");
  ::close(fd);
  fs::rename(temporary, file);
}

namespace {

std::string first_line(const std::string& text) {
  const size_t end = text.find_first_of("\r\n");
  return text.substr(0, end);
}

} // namespace

store::SecretKey read_secret_key(const std::string& file) {
  auto key = store::SecretKey::parse(first_line(read_file(file)));
  if (!key)
    throw Failure(kFailed, key.error().describe(file),
                  "a secret key file is made by: kpkg key generate NAME --out FILE");
  return std::move(*key);
}

std::vector<store::PublicKey> trusted_keys(const Context& context, const std::vector<std::string>& options) {
  std::vector<store::PublicKey> keys;
  const auto add = [&](const std::string& text, const std::string& subject) {
    auto key = store::PublicKey::parse(text);
    if (!key) throw Failure(kFailed, key.error().describe(subject), "a public key is NAME:BASE64");
    keys.push_back(std::move(*key));
  };
  for (const auto& text : options) add(text, "--trusted-key");
  if (const char* variable = std::getenv("KPKG_TRUSTED_KEYS")) {
    std::istringstream words(variable);
    for (std::string word; words >> word;) add(word, "KPKG_TRUSTED_KEYS");
  }
  const fs::path file =
      (context.root.empty() ? store::default_root() : fs::path(context.root)) / "etc" / "trusted-keys";
  if (fs::exists(file)) {
    std::istringstream lines(read_file(file));
    for (std::string line; std::getline(lines, line);)
      if (line = first_line(line); !line.empty() && line.front() != '#') add(line, file.string());
  }
  return keys;
}

std::string read_token(const std::string& token_file) {
  if (!token_file.empty()) return first_line(read_file(token_file));
  const char* variable = std::getenv("KPKG_TOKEN");
  return variable ? variable : "";
}

store::StorePath parse_store_path(std::string_view text) {
  std::string_view base = text;
  if (base.starts_with(store::kStoreDir)) {
    base.remove_prefix(store::kStoreDir.size());
    while (base.starts_with('/')) base.remove_prefix(1);
    base = base.substr(0, base.find('/'));
  } else if (base.find('/') != std::string_view::npos) { // a link such as ./result, or a physical path
    std::error_code error;
    const fs::path real = fs::weakly_canonical(fs::path(text), error);
    for (fs::path part = real; !error && part.has_relative_path(); part = part.parent_path())
      if (auto parsed = store::StorePath::parse_base_name(part.filename().string())) return *parsed;
  }
  auto parsed = store::StorePath::parse_base_name(base);
  if (!parsed)
    throw Failure(kUsage, "\"" + std::string(text) + "\" is no store path: " + parsed.error().message,
                  "a store path is /kpkg/store/DIGEST-NAME");
  return *parsed;
}

store::StorePathSet parse_store_paths(const std::vector<std::string>& texts) {
  store::StorePathSet paths;
  for (const auto& text : texts) paths.insert(parse_store_path(text));
  return paths;
}

} // namespace kpkg
