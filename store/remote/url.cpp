#include "store/remote/url.hpp"
#include <algorithm>
#include <curl/curl.h>
#include <memory>
#include <optional>

namespace store {

namespace {

class Url {
public:
  Url() : url_(curl_url()) {}
  // Resolves against what this holds already, as RFC 3986 says.
  [[nodiscard]] bool set(const std::string& text) {
    return curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  }
  void clear(CURLUPart part) { curl_url_set(url_.get(), part, nullptr, 0); }
  // Empty where there is no such part.
  [[nodiscard]] std::string get(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(url_.get(), part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype([](char* owned) { curl_free(owned); })> owner{text};
    return text;
  }
  [[nodiscard]] std::string origin() const {
    std::string host = get(CURLUPART_HOST);
    std::ranges::transform(host, host.begin(),
                           [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
    return get(CURLUPART_SCHEME) + "://" + host + ":" + get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  }

private:
  std::unique_ptr<CURLU, decltype([](CURLU* url) { curl_url_cleanup(url); })> url_;
};

bool has_dots(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    std::string part{path.substr(0, end)};
    for (size_t at; (at = part.find("%2e")) != std::string::npos || (at = part.find("%2E")) != std::string::npos;)
      part.replace(at, 3, ".");
    if (part == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

} // namespace

Result<std::string> resolve_within_cache(const std::string& cache, const std::string& url) {
  const auto refuse = [&](const std::string& why) {
    return std::unexpected(Error{.code = ErrorCode::mismatch, .message = "its URL \"" + url + "\" " + why});
  };
  if (std::ranges::any_of(url, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\'; }))
    return refuse("contains spaces, control characters or backslashes");
  if (has_dots(url) || url.contains("%2f") || url.contains("%2F")) return refuse("leads upwards");
  Url base, whole;
  if (!base.set(cache + "/") || !whole.set(cache + "/") || !whole.set(url)) return refuse("is no address");
  if (whole.origin() != base.origin()) return refuse("leads to another place than its cache " + shown_url(cache));
  if (!whole.get(CURLUPART_FRAGMENT).empty()) return refuse("has a fragment");
  if (base.get(CURLUPART_SCHEME) == "file" && !whole.get(CURLUPART_PATH).starts_with(base.get(CURLUPART_PATH)))
    return refuse("leads out of its cache " + cache);
  if (whole.get(CURLUPART_USER) != base.get(CURLUPART_USER) ||
      whole.get(CURLUPART_PASSWORD) != base.get(CURLUPART_PASSWORD))
    return refuse("names another user than its cache's");
  return whole.get(CURLUPART_URL);
}

std::string shown_url(const std::string& url) {
  Url parsed;
  if (!url.contains('@') || !parsed.set(url)) return url;
  parsed.clear(CURLUPART_USER);
  parsed.clear(CURLUPART_PASSWORD);
  return parsed.get(CURLUPART_URL);
}

} // namespace store
