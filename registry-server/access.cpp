#include "registry-server/access.hpp"
#include "store/format/encoding.hpp"
#include <fstream>
#include <openssl/crypto.h>
#include <stdexcept>

namespace registry {

namespace {

std::optional<std::string> presented_token(std::string_view authorization) {
  const auto after = [&](std::string_view scheme) -> std::optional<std::string_view> {
    if (authorization.size() <= scheme.size()) return {};
    for (size_t i = 0; i < scheme.size(); ++i)
      if ((authorization[i] | 0x20) != (scheme[i] | 0x20)) return {};
    if (authorization[scheme.size()] != ' ') return {};
    return authorization.substr(scheme.size() + 1);
  };
  if (const auto bearer = after("Bearer")) return std::string(*bearer);
  if (const auto basic = after("Basic")) {
    const auto decoded = store::decode_base64(*basic);
    if (!decoded) return {};
    const std::string_view text{reinterpret_cast<const char*>(decoded->data()), decoded->size()};
    if (const size_t colon = text.find(':'); colon != std::string_view::npos)
      return std::string(text.substr(colon + 1));
  }
  return {};
}

} // namespace

Access::Access(const std::filesystem::path& token_file) {
  std::ifstream in(token_file);
  if (!in) throw std::runtime_error("cannot read the token file " + token_file.string());
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') tokens_.push_back(line);
  }
  if (tokens_.empty()) throw std::runtime_error("the token file " + token_file.string() + " holds no token");
}

void Access::require_write(const Request& request) const {
  if (tokens_.empty())
    throw HttpError(http::status::forbidden, "this registry accepts no uploads: it was started without --token-file");
  const auto token = presented_token(request.authorization);
  bool known = false;
  for (const auto& candidate : tokens_)
    known |= token && token->size() == candidate.size() &&
             CRYPTO_memcmp(token->data(), candidate.data(), candidate.size()) == 0;
  if (known) return;
  Response refusal =
      text_response(http::status::unauthorized, token ? "the token is not known here" : "uploading needs a token");
  refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"kpkg\", Basic realm=\"kpkg\"");
  throw HttpError(std::move(refusal));
}

} // namespace registry
