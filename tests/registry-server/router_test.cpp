#include "registry-server/http/error.hpp"
#include "registry-server/http/router.hpp"
#include <catch2/catch.hpp>

using namespace registry;

namespace {

Router routes() {
  Router router;
  const Handler handler = [](const Request&, const Captures&) { return text_response(http::status::ok, "x"); };
  router.add(http::verb::get, "/", Runs::at_once, handler);
  router.add(http::verb::get, "/nar/{file}", Runs::at_once, handler);
  router.add_upload(http::verb::put, "/nar/{file}", [](const Request&, const Captures&) { return nullptr; });
  router.add(http::verb::delete_, "/nar/{file}", Runs::on_pool, handler);
  return router;
}

} // namespace

TEST_CASE("captures take a segment, a part of one, or the rest") {
  CHECK((*Pattern("/nar/{file}").match("/nar/x.nar"))["file"] == "x.nar"); // the pattern lives as long as the line
  CHECK((*Pattern("/{digest}.narinfo").match("/abc.narinfo"))["digest"] == "abc");
  CHECK((*Pattern("/{digest}.narinfo").match("/a.narinfo.narinfo"))["digest"] == "a.narinfo");
  const Pattern manifests("/v2/{name...}/manifests/{reference}");
  const auto captures = manifests.match("/v2/a/manifests/b/manifests/1.0");
  REQUIRE(captures);
  CHECK((*captures)["name"] == "a/manifests/b");
  CHECK((*captures)["reference"] == "1.0");
  CHECK((*captures)["other"].empty());
  for (const char* path : {"/nar/", "/nar", "/nar/a/b", "/nar//", "/x/nar/a", ""})
    CHECK_FALSE(Pattern("/nar/{file}").match(path));
  CHECK_FALSE(Pattern("/{digest}.narinfo").match("/.narinfo"));
  CHECK_FALSE(Pattern("/{digest}.narinfo").match("/a/b.narinfo"));
  CHECK_THROWS_AS(Pattern("/{open"), std::logic_error);
}

TEST_CASE("HEAD is answered by what answers GET") {
  const Router router = routes();
  const std::string path = "/nar/x";
  CHECK(router.find(http::verb::head, path).route == router.find(http::verb::get, path).route);
}

TEST_CASE("another method is 405 and says which ones there are; another path is 404") {
  const Router router = routes();
  const auto error = [&](http::verb method, const std::string& path) {
    try {
      (void)router.find(method, path);
    } catch (const HttpError& thrown) {
      return thrown;
    }
    throw std::logic_error("it was found");
  };
  const HttpError post = error(http::verb::post, "/nar/x");
  CHECK(post.status() == http::status::method_not_allowed);
  CHECK(post.headers() == HeaderList{{"Allow", "GET, HEAD, PUT, DELETE"}});
  CHECK(error(http::verb::put, "/").headers() == HeaderList{{"Allow", "GET, HEAD"}});
  CHECK(error(http::verb::unknown, "/").status() == http::status::method_not_allowed);
  CHECK(error(http::verb::get, "/nothing").status() == http::status::not_found);
}
