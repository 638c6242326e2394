#include "registry-server/http/access.hpp"
#include "registry-server/http/error.hpp"
#include "store/posix/file_io.hpp"
#include <openssl/crypto.h>
#include <ranges>

namespace registry {

Access::Access(const std::filesystem::path& token_file) {
  std::string text;
  try {
    text = store::read_file(token_file);
  } catch (const store::UserError& error) {
    throw store::UserError(std::string("the token file: ") + error.what(), error.hint());
  }
  for (const auto part : std::views::split(text, '\n')) {
    std::string_view line(part.begin(), part.end());
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with('#')) tokens_.emplace_back(line);
  }
  if (tokens_.empty())
    throw store::UserError("the token file " + token_file.string() + " holds no token",
                           "write one token a line into it");
}

void Access::require_write(const Request& request) const {
  if (tokens_.empty())
    throw HttpError(http::status::forbidden, "this registry accepts no uploads: it was started without --token-file");
  const auto token = presented_token(request.header("Authorization"));
  bool known = false;
  for (const auto& candidate : tokens_)
    known |= token && token->size() == candidate.size() &&
             CRYPTO_memcmp(token->data(), candidate.data(), candidate.size()) == 0;
  if (!known)
    throw HttpError(http::status::unauthorized, token ? "the token is not known here" : "uploading needs a token",
                    {{"WWW-Authenticate", "Bearer realm=\"kpkg\", Basic realm=\"kpkg\""}});
}

} // namespace registry
