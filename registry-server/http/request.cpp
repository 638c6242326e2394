#include "registry-server/http/request.hpp"
#include "store/format/encoding.hpp"
#include <boost/beast/core/string.hpp>

namespace registry {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : uint8_t { is_plus, is_space };

std::optional<std::string> percent_decode(std::string_view raw, Plus plus) {
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size() || hex_digit(raw[i + 1]) < 0 || hex_digit(raw[i + 2]) < 0) return {};
      c = static_cast<char>(hex_digit(raw[i + 1]) * 16 + hex_digit(raw[i + 2]));
      i += 2;
    } else if (c == '+' && plus == Plus::is_space) {
      c = ' ';
    }
    if (c == '\0') return {};
    text += c;
  }
  return text;
}

} // namespace

std::optional<std::string> Request::parameter(std::string_view name) const { return query_parameter(query, name); }

std::optional<Target> parse_target(std::string_view target) {
  const size_t question = target.find('?');
  auto path = percent_decode(target.substr(0, question), Plus::is_plus);
  if (!path || !path->starts_with('/') || path->contains("/../") || path->ends_with("/..")) return {};
  return Target{.path = std::move(*path),
                .query = std::string(question == std::string_view::npos ? "" : target.substr(question + 1))};
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (percent_decode(pair.substr(0, equals), Plus::is_space) != name) continue;
    return percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), Plus::is_space);
  }
  return {};
}

std::optional<std::string> presented_token(std::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view scheme = authorization.substr(0, space), rest = authorization.substr(space + 1);
  const auto is = [&](std::string_view name) {
    return boost::beast::iequals({scheme.data(), scheme.size()}, {name.data(), name.size()});
  };
  if (is("Bearer")) return std::string(rest);
  if (!is("Basic")) return {};
  const auto decoded = store::decode_base64(rest);
  if (!decoded) return {};
  const std::string_view text{reinterpret_cast<const char*>(decoded->data()), decoded->size()};
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  return std::string(text.substr(colon + 1));
}

} // namespace registry
