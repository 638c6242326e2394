// Conditional and partial answers (RFC 9110, sections 13 and 14): a handler gives the whole content with its ETag, and
// here it becomes 304, 412, 206 or 416 where the request says so.
#pragma once
#include "registry-server/http/request.hpp"
#include "registry-server/http/response.hpp"

namespace registry {

struct RangeAnswer {
  enum class Kind : uint8_t {
    whole,         // no range, or one that is to be ignored: malformed, another unit, several ranges at once
    part,          // first and length are set, within the content
    unsatisfiable, // well formed, but beyond the content
  };
  Kind kind = Kind::whole;
  uint64_t first = 0, length = 0;
  friend bool operator==(const RangeAnswer&, const RangeAnswer&) = default;
};
// What a Range header ("" where there is none) means for content of `size_bytes`.
[[nodiscard]] RangeAnswer parse_range(std::string_view header, uint64_t size_bytes);

// Whether a list of entity tags («*», or "a", W/"b") names `etag`; weakly, "a" and W/"a" are the same.
enum class Comparison : uint8_t { strong, weak };
[[nodiscard]] bool matches_etag(std::string_view list, std::string_view etag, Comparison comparison);

// IMF-fixdate, the one form that is sent today; nothing for others.
[[nodiscard]] std::optional<int64_t> parse_http_date(std::string_view text);
[[nodiscard]] std::string http_date(int64_t unix_s);

// For GET and HEAD answers with status 200; leaves all others as they are.
void apply_conditions(const Request& request, Response& response);

} // namespace registry
