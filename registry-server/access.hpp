// Who may write: bearer tokens from a file, one per line («#» starts a comment). «Authorization: Bearer TOKEN», or
// Basic with the token as password, which is what stock clients send from a netrc file. Compared in constant time.
#pragma once
#include "registry-server/http.hpp"

namespace registry {

class Access {
public:
  Access() = default; // nobody may write
  explicit Access(
      const std::filesystem::path& token_file); // throws std::runtime_error where it cannot be read or is empty
  // Throws HttpError: 401 without or with a wrong token, 403 when the server accepts no writes at all.
  void require_write(const Request& request) const;

private:
  std::vector<std::string> tokens_;
};

} // namespace registry
