// What a client asks for, and the parsing of what it wrote: the target's path and query (RFC 3986), the token of an
// Authorization header (RFC 6750, RFC 7617). All of it comes from outside; nothing here throws or allocates beyond the
// input's size.
#pragma once
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace registry {

namespace http = boost::beast::http;

struct Request {
  http::verb method = http::verb::get;
  std::string path;            // percent-decoded, without query; starts with "/", holds no NUL and no ".." segment
  std::string query;           // raw, without "?"
  const http::fields& headers; // of the session; an Upload copies what it needs longer than its beginning
  std::optional<uint64_t> content_length;

  // The header's value by its name, in any case; "" where it is missing.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    const auto value = headers[boost::beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  }
  // The decoded value of a parameter of the query; nothing where it is missing or malformed.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

struct Target {
  std::string path, query; // as in Request
};
// Nothing where the path is malformed, holds NUL, or climbs with "..", also percent-encoded.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

// The first `name=value` of a query, both percent-decoded, «+» a space.
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// The token in an Authorization header: «Bearer TOKEN», or Basic with the token as password, which is what stock
// clients send from a netrc file. Nothing where it is neither.
[[nodiscard]] std::optional<std::string> presented_token(std::string_view authorization);

} // namespace registry
