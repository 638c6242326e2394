// Store paths. That digests are right is shown against nix in nix_oracle_test; here is what is refused.
#include <new>

#include "store/format/store_path.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {
const std::string kDigest = "00bgd045z0d4icpbc2yyz4gx48ak44la";
}

TEST_CASE("a store path has 32 digits, a dash and a name") {
  const StorePath path = StorePath::parse("/kpkg/store/" + kDigest + "-hello-1.0").value();
  CHECK(path.digest() == kDigest);
  CHECK(path.name() == "hello-1.0");
  CHECK(path.full() == "/kpkg/store/" + kDigest + "-hello-1.0");
  CHECK(path.full("/nix/store") == "/nix/store/" + kDigest + "-hello-1.0");
  CHECK_FALSE(path.is_derivation());
}

TEST_CASE("what is no store path is refused") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "/", "/kpkg/store", "/kpkg/store/", "/kpkg/store/x",
               "/kpkg/storex/00bgd045z0d4icpbc2yyz4gx48ak44la-a", "/nix/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a",
               "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la", "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-",
               "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44lA-a", "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44le-a",
               "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a/b", "/kpkg/store//00bgd045z0d4icpbc2yyz4gx48ak44la-a");
  CHECK_FALSE(StorePath::parse(text));
}

TEST_CASE("the place of a wrong character counts from the path's beginning") {
  CHECK(StorePath::parse("/kpkg/store/" + kDigest + "-a b").error().offset == 12 + 33 + 1);
  CHECK(StorePath::parse("/kpkg/store/" + kDigest.substr(1) + "e-a").error().offset == 12 + 31);
}

TEST_CASE("names are 1 to 211 plain characters that no folder has") {
  for (const std::string good : {"a", ".a", "a.b", "+-._?=", "..a", "...", "-"}) CHECK(check_store_path_name(good));
  for (const std::string bad : {"", ".", "..", ".-a", "..-a", "a/b", "a b", "\xc3\xa4", "a\n", "a:b"})
    CHECK_FALSE(check_store_path_name(bad));
  CHECK(check_store_path_name(std::string(211, 'a')));
  CHECK_FALSE(check_store_path_name(std::string(212, 'a')));
  CHECK_FALSE(check_store_path_name(std::string_view{"a\0b", 3}));
}

TEST_CASE("paths of bad names are not made") {
  CHECK_FALSE(make_text_path("a b", {}, {}));
  CHECK_FALSE(make_source_path("", hash_text("x")));
  CHECK_FALSE(make_output_path(std::string(209, 'a'), "dev", hash_text("x"))); // with its suffix too long
}

TEST_CASE("source and output paths are made from sha256 only") {
  CHECK_FALSE(make_source_path("a", hash_text("x", HashAlgorithm::sha1)));
  CHECK_FALSE(make_output_path("a", "out", hash_text("x", HashAlgorithm::sha512)));
}

TEST_CASE("the store directory is part of the digest") {
  CHECK(make_text_path("a", as_bytes("x"), {}, "/nix/store")->digest() !=
        make_text_path("a", as_bytes("x"), {})->digest());
}
