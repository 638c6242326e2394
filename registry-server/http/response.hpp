// What a request is answered with: a status and a body that is a text or (a part of) a file, sent by sendfile(2).
#pragma once
#include "store/posix/unique_fd.hpp"
#include <ostream> // which Boost 1.81's status.hpp forgets

#include <boost/beast/http/status.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace registry {

namespace http = boost::beast::http;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct FileBody {
  store::UniqueFd file;
  uint64_t offset = 0;
  uint64_t size_bytes = 0; // from there on
};

struct Response {
  http::status status = http::status::ok;
  std::string content_type = "text/plain; charset=utf-8";
  std::variant<std::string, FileBody> body;
  HeaderList headers; // besides content type, length, connection and those below
  // What identifies the content (RFC 9110, section 8.8). Where `etag` (with its quotes) or a modification time is
  // given, conditions of requests are answered from them.
  std::string etag;
  std::optional<int64_t> modified_unix_s;

  [[nodiscard]] uint64_t size_bytes() const;
};

// The text gets a line end where it has none.
[[nodiscard]] Response text_response(http::status status, std::string text);
[[nodiscard]] Response typed_response(std::string body, std::string content_type);

} // namespace registry
