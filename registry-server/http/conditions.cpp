#include "registry-server/http/conditions.hpp"
#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <ctime>
#include <format>
#include <limits>

namespace registry {

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Digits only, at least one; what is beyond 64 bits is beyond every content, too.
std::optional<uint64_t> position(std::string_view text) {
  if (text.empty()) return {};
  uint64_t value = 0;
  bool saturated = false;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    saturated |= __builtin_mul_overflow(value, uint64_t{10}, &value);
    saturated |= __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value);
  }
  return saturated ? std::numeric_limits<uint64_t>::max() : value;
}

bool is_modified_since(const Response& response, std::string_view header) {
  const auto since = parse_http_date(header);
  return !since || !response.modified_unix_s || *response.modified_unix_s > *since;
}

// If-Range: the range is meant for exactly this content.
bool range_applies(const Request& request, const Response& response) {
  const std::string_view condition = trimmed(request.header("If-Range"));
  if (condition.empty()) return true;
  if (condition.starts_with('"')) return condition == response.etag;
  const auto date = parse_http_date(condition);
  return date && response.modified_unix_s == date;
}

void drop_body(Response& response, http::status status) {
  response.status = status;
  response.body = std::string();
}

} // namespace

RangeAnswer parse_range(std::string_view header, uint64_t size_bytes) {
  const size_t equals = header.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view unit = trimmed(header.substr(0, equals)), range = trimmed(header.substr(equals + 1));
  if (!boost::beast::iequals({unit.data(), unit.size()}, "bytes")) return {};
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos || size_bytes == 0) return {};
  const std::string_view before = range.substr(0, dash), after = range.substr(dash + 1);
  const auto last = position(after);
  if (before.empty()) { // the last so many bytes
    if (!last) return {};
    if (*last == 0) return {.kind = RangeAnswer::Kind::unsatisfiable};
    const uint64_t length = std::min(*last, size_bytes);
    return {.kind = RangeAnswer::Kind::part, .first = size_bytes - length, .length = length};
  }
  const auto first = position(before);
  if (!first || (!last && !after.empty()) || (last && *last < *first)) return {};
  if (*first >= size_bytes) return {.kind = RangeAnswer::Kind::unsatisfiable};
  const uint64_t end = last ? std::min(*last, size_bytes - 1) : size_bytes - 1;
  return {.kind = RangeAnswer::Kind::part, .first = *first, .length = end - *first + 1};
}

bool matches_etag(std::string_view list, std::string_view etag, Comparison comparison) {
  if (etag.empty()) return false;
  if (trimmed(list) == "*") return true;
  const auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  while (true) {
    const size_t first = list.find_first_not_of(" \t,");
    if (first == std::string_view::npos) return false;
    list.remove_prefix(first);
    const size_t open = list.starts_with("W/") ? 2 : 0;
    if (list.size() <= open || list[open] != '"') return false; // malformed: the rest means nothing
    const size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    const std::string_view tag = list.substr(0, close + 1);
    const bool same = comparison == Comparison::weak ? opaque(tag) == opaque(etag) : tag == etag && open == 0;
    if (same) return true;
    list.remove_prefix(close + 1);
  }
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  const std::string terminated(trimmed(text));
  std::tm parts{};
  const char* end = ::strptime(terminated.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return {};
  return ::timegm(&parts);
}

std::string http_date(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

void apply_conditions(const Request& request, Response& response) {
  if ((request.method != http::verb::get && request.method != http::verb::head) ||
      response.status != http::status::ok || (response.etag.empty() && !response.modified_unix_s))
    return;
  // The order of RFC 9110, section 13.2.2.
  const std::string_view if_match = request.header("If-Match"), if_none_match = request.header("If-None-Match"),
                         if_unmodified_since = request.header("If-Unmodified-Since"),
                         if_modified_since = request.header("If-Modified-Since");
  if (!if_match.empty()) {
    if (!matches_etag(if_match, response.etag, Comparison::strong))
      return drop_body(response, http::status::precondition_failed);
  } else if (parse_http_date(if_unmodified_since) && response.modified_unix_s &&
             is_modified_since(response, if_unmodified_since)) {
    return drop_body(response, http::status::precondition_failed);
  }
  if (!if_none_match.empty()) {
    if (matches_etag(if_none_match, response.etag, Comparison::weak))
      return drop_body(response, http::status::not_modified);
  } else if (!if_modified_since.empty() && !is_modified_since(response, if_modified_since)) {
    return drop_body(response, http::status::not_modified);
  }
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (request.method != http::verb::get || !range_applies(request, response)) return;
  const uint64_t size = response.size_bytes();
  const RangeAnswer range = parse_range(request.header("Range"), size);
  switch (range.kind) {
  case RangeAnswer::Kind::whole: return;
  case RangeAnswer::Kind::unsatisfiable:
    drop_body(response, http::status::range_not_satisfiable);
    response.headers.emplace_back("Content-Range", std::format("bytes */{}", size));
    return;
  case RangeAnswer::Kind::part:
    response.status = http::status::partial_content;
    response.headers.emplace_back("Content-Range",
                                  std::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, size));
    if (auto* file = std::get_if<FileBody>(&response.body)) {
      file->offset += range.first;
      file->size_bytes = range.length;
    } else {
      auto& text = std::get<std::string>(response.body);
      text = text.substr(range.first, range.length);
    }
  }
}

} // namespace registry
