#include "registry-server/http/access.hpp"
#include "registry-server/http/error.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/secret.hpp"
#include <openssl/crypto.h>
#include <ranges>

namespace registry {

namespace {

store::Secret read_tokens(const std::filesystem::path& file) {
  try {
    return store::Secret(store::read_file(file));
  } catch (const store::UserError& error) {
    throw store::UserError(std::string("the token file: ") + error.what(), error.hint());
  }
}

store::Hash hash_of(std::string_view token) { return store::hash_text(token, store::HashAlgorithm::sha256); }

bool is_equal(const store::Hash& a, const store::Hash& b) {
  return CRYPTO_memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

} // namespace

Access::Access(const std::filesystem::path& token_file) {
  store::hide_memory();
  const store::Secret text = read_tokens(token_file);
  for (const auto part : std::views::split(text.reveal(), '\n')) {
    std::string_view line(part.begin(), part.end());
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with('#')) token_hashes_.push_back(hash_of(line));
  }
  if (token_hashes_.empty())
    throw store::UserError("the token file " + token_file.string() + " holds no token",
                           "write one token a line into it");
}

void Access::require_write(const Request& request) const {
  if (token_hashes_.empty())
    throw HttpError(http::status::forbidden, "this registry accepts no uploads: it was started without --token-file");
  const auto token = presented_token(request.header("Authorization"));
  bool known = false;
  if (token) {
    const store::Hash presented = hash_of(*token);
    for (const auto& candidate : token_hashes_) known |= is_equal(presented, candidate);
  }
  if (!known)
    throw HttpError(http::status::unauthorized, token ? "the token is not known here" : "uploading needs a token",
                    {{"WWW-Authenticate", "Bearer realm=\"kpkg\", Basic realm=\"kpkg\""}});
}

} // namespace registry
