#include "registry-server/http/access.hpp"
#include "registry-server/http/error.hpp"
#include "registry-server/http/request.hpp"
#include "tests/registry-server/temporary_folder.hpp"
#include <catch2/catch.hpp>

using namespace registry;

TEST_CASE("a target is decoded once and split at the first question mark") {
  const auto target = parse_target("/log/a%20b+c%2525?n=1?2");
  REQUIRE(target);
  CHECK(target->path == "/log/a b+c%25");
  CHECK(target->query == "n=1?2");
  CHECK(parse_target("/%c3%a9")->path == "/\xc3\xa9");
  CHECK(parse_target("/..a/b../...")->path == "/..a/b../...");
}

TEST_CASE("targets that climb, hold NUL or are malformed are refused") {
  for (const char* target :
       {"", "x", "*", "http://host/", "/..", "/../x", "/a/../b", "/a/..", "/%2e%2e/x", "/a%2f..%2fb", "/a/%2E./b",
        "/%2f..", "/%00", "/a%00.narinfo", "/%", "/%4", "/%zz", "/%4g", "/..?q"})
    CHECK_FALSE(parse_target(target));
  CHECK_FALSE(parse_target(std::string_view("/a\0b", 4)));
}

TEST_CASE("a parameter of a query is found by its decoded name") {
  CHECK(query_parameter("n=25&last=a%2Fb", "last") == "a/b");
  CHECK(query_parameter("q=two+words", "q") == "two words");
  CHECK(query_parameter("%71=x", "q") == "x");
  CHECK(query_parameter("a&b=", "a") == "");
  CHECK(query_parameter("a&b=", "b") == "");
  CHECK(query_parameter("a=1&a=2", "a") == "1");
  CHECK_FALSE(query_parameter("a=%zz", "a"));
  CHECK_FALSE(query_parameter("", "a"));
  CHECK_FALSE(query_parameter("&&=&ab=1", "a"));
}

TEST_CASE("a token is read from Bearer and from Basic's password") {
  CHECK(presented_token("Bearer abc") == "abc");
  CHECK(presented_token("bEARER abc") == "abc");
  CHECK(presented_token("Basic dXNlcjpwYTpzcw==") == "pa:ss"); // user:pa:ss
  CHECK(presented_token("Basic Og==") == "");
  for (const char* header : {"", "Bearer", "Basic", "Basic !!!", "Basic dXNlcg==", "Digest abc", "abc", "Bearerabc x"})
    CHECK_FALSE(presented_token(header));
}

TEST_CASE("only a known token may write") {
  const TemporaryFolder folder;
  store::replace_file(folder.path / "token", "# people\nlet-me-in \r\n\nsecond\n");
  const Access access(folder.path / "token");
  http::fields headers;
  const Request request{.headers = headers};
  const auto status = [&](const Access& to, std::string_view authorization) {
    headers.set(http::field::authorization, boost::beast::string_view(authorization.data(), authorization.size()));
    try {
      to.require_write(request);
      return http::status::ok;
    } catch (const HttpError& error) {
      CHECK((error.status() != http::status::unauthorized) == error.headers().empty());
      return error.status();
    }
  };
  CHECK(status(access, "Bearer let-me-in") == http::status::ok);
  CHECK(status(access, "Basic OnNlY29uZA==") == http::status::ok);
  for (const char* wrong : {"", "Bearer let-me-i", "Bearer let-me-inn", "Bearer # people", "Bearer ", "Basic x"})
    CHECK(status(access, wrong) == http::status::unauthorized);
  CHECK(status(Access(), "Bearer let-me-in") == http::status::forbidden);
  store::replace_file(folder.path / "empty", "# none\n\n");
  CHECK_THROWS_AS(Access(folder.path / "empty"), store::UserError);
  CHECK_THROWS_AS(Access(folder.path / "missing"), store::UserError);
}

TEST_CASE("an error's code decides the status, and the host's paths stay here") {
  using store::UserError, store::UserErrorCode;
  CHECK(error_response(UserError(UserErrorCode::refused, "wrong hash")).status == http::status::bad_request);
  CHECK(error_response(UserError(UserErrorCode::usage, "no")).status == http::status::bad_request);
  const Response failed = error_response(UserError("cannot write /srv/secret"));
  CHECK(failed.status == http::status::internal_server_error);
  CHECK(std::get<std::string>(failed.body).find("/srv") == std::string::npos);
  const Response own = error_response(HttpError(http::status::conflict, "taken", {{"X", "y"}}));
  CHECK(own.status == http::status::conflict);
  CHECK(own.headers.size() == 1);
  CHECK(error_response(std::runtime_error("/srv")).status == http::status::internal_server_error);
}
