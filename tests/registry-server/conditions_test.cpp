#include "registry-server/http/conditions.hpp"
#include <catch2/catch.hpp>

using namespace registry;

namespace {

constexpr RangeAnswer kWhole{}, kUnsatisfiable{.kind = RangeAnswer::Kind::unsatisfiable};
constexpr RangeAnswer part(uint64_t first, uint64_t length) { return {RangeAnswer::Kind::part, first, length}; }

struct Asked {
  http::fields headers;
  http::verb method = http::verb::get;
  Asked& with(std::string_view name, std::string_view value) {
    headers.set(boost::beast::string_view(name.data(), name.size()),
                boost::beast::string_view(value.data(), value.size()));
    return *this;
  }
  Response answer(Response response) {
    const Request request{.method = method, .headers = headers};
    apply_conditions(request, response);
    return response;
  }
};

Response tagged() {
  Response response;
  response.body = "0123456789";
  response.etag = "\"v1\"";
  response.modified_unix_s = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT
  return response;
}

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

constexpr const char* kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";

} // namespace

TEST_CASE("all forms of one range are understood") {
  CHECK(parse_range("bytes=0-499", 1000) == part(0, 500));
  CHECK(parse_range("bytes=500-999", 1000) == part(500, 500));
  CHECK(parse_range("bytes=500-", 1000) == part(500, 500));
  CHECK(parse_range("bytes=-1", 1000) == part(999, 1));
  CHECK(parse_range("bytes=-5000", 1000) == part(0, 1000));
  CHECK(parse_range("bytes=0-0", 1000) == part(0, 1));
  CHECK(parse_range("bytes=999-5000", 1000) == part(999, 1));
  CHECK(parse_range(" BYTES = 1-2 ", 1000) == part(1, 2));
}

TEST_CASE("a range beyond the content is unsatisfiable, also beyond 64 bits") {
  CHECK(parse_range("bytes=1000-", 1000) == kUnsatisfiable);
  CHECK(parse_range("bytes=1000-2000", 1000) == kUnsatisfiable);
  CHECK(parse_range("bytes=-0", 1000) == kUnsatisfiable);
  CHECK(parse_range("bytes=18446744073709551616-", 1000) == kUnsatisfiable);
  CHECK(parse_range("bytes=99999999999999999999999-", 1000) == kUnsatisfiable);
  CHECK(parse_range("bytes=1-99999999999999999999999", 1000) == part(1, 999));
  CHECK(parse_range("bytes=-99999999999999999999999", 1000) == part(0, 1000));
  CHECK(parse_range("bytes=0-18446744073709551615", UINT64_MAX) == part(0, UINT64_MAX));
}

TEST_CASE("malformed ranges, other units and several ranges mean the whole") {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2x", "bytes=+1-2", "bytes=1 - 2",
        "bytes=0-1,3-4", "bytes=,0-1", "lines=0-1", "=0-1", "bytes=--1", "bytes=0x0-1"})
    CHECK(parse_range(header, 1000) == kWhole);
  CHECK(parse_range("bytes=0-", 0) == kWhole);
}

TEST_CASE("entity tags are compared in lists") {
  CHECK(matches_etag("\"a\"", "\"a\"", Comparison::strong));
  CHECK(matches_etag("\"x\", W/\"y\" ,\"a\"", "\"a\"", Comparison::strong));
  CHECK(matches_etag("*", "\"a\"", Comparison::strong));
  CHECK(matches_etag("W/\"a\"", "\"a\"", Comparison::weak));
  CHECK_FALSE(matches_etag("W/\"a\"", "\"a\"", Comparison::strong));
  CHECK_FALSE(matches_etag("*", "", Comparison::weak));
  for (const char* list : {"", "a", "\"a", "\"b\"", "W/", "W/a", ",,,", "\"b\" a"})
    CHECK_FALSE(matches_etag(list, "\"a\"", Comparison::weak));
}

TEST_CASE("dates are read and written as IMF-fixdate") {
  CHECK(parse_http_date(kThen) == 784111777);
  CHECK(http_date(784111777) == kThen);
  for (const char* text : {"", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT x"})
    CHECK_FALSE(parse_http_date(text));
}

TEST_CASE("a range gives a part, and says of what") {
  const Response response = Asked().with("Range", "bytes=2-4").answer(tagged());
  CHECK(response.status == http::status::partial_content);
  CHECK(std::get<std::string>(response.body) == "234");
  CHECK(header(response, "Content-Range") == "bytes 2-4/10");
  const Response beyond = Asked().with("Range", "bytes=10-").answer(tagged());
  CHECK(beyond.status == http::status::range_not_satisfiable);
  CHECK(header(beyond, "Content-Range") == "bytes */10");
  CHECK(beyond.size_bytes() == 0);
}

TEST_CASE("a range of a file moves its offset") {
  Response response = tagged();
  response.body = FileBody{.offset = 100, .size_bytes = 50};
  response = Asked().with("Range", "bytes=-10").answer(std::move(response));
  CHECK(std::get<FileBody>(response.body).offset == 140);
  CHECK(response.size_bytes() == 10);
}

TEST_CASE("conditions are answered in the standard's order") {
  const auto status = [](Asked asked) { return asked.answer(tagged()).status; };
  CHECK(status(Asked()) == http::status::ok);
  CHECK(status(Asked().with("If-None-Match", "W/\"v1\"")) == http::status::not_modified);
  CHECK(status(Asked().with("If-None-Match", "\"v2\"")) == http::status::ok);
  CHECK(status(Asked().with("If-Match", "\"v2\"")) == http::status::precondition_failed);
  CHECK(status(Asked().with("If-Match", "\"v1\"").with("If-None-Match", "\"v1\"")) == http::status::not_modified);
  CHECK(status(Asked().with("If-Modified-Since", kThen)) == http::status::not_modified);
  CHECK(status(Asked().with("If-Modified-Since", kBefore)) == http::status::ok);
  CHECK(status(Asked().with("If-Modified-Since", "soon")) == http::status::ok);
  CHECK(status(Asked().with("If-Modified-Since", kThen).with("If-None-Match", "\"v2\"")) == http::status::ok);
  CHECK(status(Asked().with("If-Unmodified-Since", kBefore)) == http::status::precondition_failed);
  CHECK(status(Asked().with("If-Unmodified-Since", kThen)) == http::status::ok);
  CHECK(status(Asked().with("Range", "bytes=0-1").with("If-None-Match", "\"v1\"")) == http::status::not_modified);
}

TEST_CASE("If-Range gives the part only of exactly this content") {
  const auto status = [](std::string_view condition) {
    return Asked().with("Range", "bytes=0-1").with("If-Range", condition).answer(tagged()).status;
  };
  CHECK(status("\"v1\"") == http::status::partial_content);
  CHECK(status("\"v2\"") == http::status::ok);
  CHECK(status("W/\"v1\"") == http::status::ok);
  CHECK(status(kThen) == http::status::partial_content);
  CHECK(status(kBefore) == http::status::ok);
}

TEST_CASE("what has no tag, is no success or no GET is left as it is") {
  Response plain = typed_response("text", "text/plain");
  CHECK(Asked().with("Range", "bytes=0-1").answer(std::move(plain)).status == http::status::ok);
  Response missing = tagged();
  missing.status = http::status::not_found;
  CHECK(Asked().with("If-None-Match", "*").answer(std::move(missing)).status == http::status::not_found);
  Asked head;
  head.method = http::verb::head;
  CHECK(head.with("Range", "bytes=0-1").answer(tagged()).status == http::status::ok);
}
