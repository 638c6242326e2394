// Who may write: tokens from a file, one per line («#» starts a comment), of which only hashes are
// kept; compared in constant time.
#pragma once
#include "registry-server/http/request.hpp"
#include "store/format/hash.hpp"
#include <filesystem>
#include <vector>

namespace registry {

class Access {
public:
  Access() = default; // nobody may write
  // UserError where the file cannot be read or holds no token.
  explicit Access(const std::filesystem::path& token_file);
  // HttpError: 401 without or with a wrong token, 403 when the server accepts no writes at all.
  void require_write(const Request& request) const;

private:
  std::vector<store::Hash> token_hashes_;
};

} // namespace registry
