// Where a narinfo may lead its client.
#include <new>

#include <catch2/catch.hpp>

#include "store/remote/url.hpp"

using store::resolve_within_cache;
using store::shown_url;

namespace {
std::string resolved(const std::string& cache, const std::string& url) {
  const auto result = resolve_within_cache(cache, url);
  return result ? *result : "refused";
}
} // namespace

TEST_CASE("an archive's address is relative to its cache, or of the same origin") {
  CHECK(resolved("http://host:80/a", "nar/x.nar") == "http://host:80/a/nar/x.nar");
  CHECK(resolved("https://host/a", "/nar/x.nar?v=1") == "https://host/nar/x.nar?v=1");
  CHECK(resolved("https://host/a", "https://HOST:443/b/x.nar") == "https://HOST:443/b/x.nar");
  CHECK(resolved("https://me:word@host/a", "nar/x.nar") == "https://me:word@host/a/nar/x.nar");
  CHECK(resolved("file:///cache/a", "nar/x.nar") == "file:///cache/a/nar/x.nar");
}

TEST_CASE("an archive's address that leads elsewhere is refused") {
  for (const char* url : {"http://other/x", "http://host:81/x", "https://host/x", "//other/x", "file:///etc/passwd",
                          "ftp://host/x", "../x", "a/../../x", "a/%2e%2E/x", "a/.%2e/x", "%2f/x", "http://user@host/x",
                          "a b", "a\nb", "a\\b", "x#y", "\x7f"}) {
    CAPTURE(url);
    CHECK(resolved("http://host/a", url) == "refused");
  }
  CHECK(resolved("file:///cache/a", "/etc/passwd") == "refused");
  CHECK(resolved("file:///cache/a", "file:///cache/ab/x") == "refused");
  CHECK(resolved("file:///cache/a", "http://host/x") == "refused");
}

TEST_CASE("a password in an address is for nobody's eyes") {
  CHECK(shown_url("https://me:word@host/a") == "https://host/a");
  CHECK(shown_url("https://host/a") == "https://host/a");
}
