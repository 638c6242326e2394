#include "kpkg/cli/credentials.hpp"
#include "store/posix/file_io.hpp"
#include <cstdlib>
#include <sstream>

namespace kpkg {

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

} // namespace

store::SecretKey read_secret_key(const std::string& file) {
  auto key = store::SecretKey::parse(first_line(store::read_file(file)));
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

std::string read_token(const std::string& token_file) {
  if (!token_file.empty()) return first_line(store::read_file(token_file));
  const char* variable = std::getenv("KPKG_TOKEN");
  return variable ? variable : "";
}

} // namespace kpkg
