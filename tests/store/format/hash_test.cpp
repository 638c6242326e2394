// Hashes, against NIST's and RFC 1321's vectors, and their text forms.
#include <new>

#include "store/format/hash.hpp"
#include <catch2/catch.hpp>

using namespace store;

TEST_CASE("hashes of \"abc\" are those of FIPS 180 and RFC 1321") {
  CHECK(hash_text("abc").base16() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_text("abc", HashAlgorithm::sha1).base16() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hash_text("abc", HashAlgorithm::md5).base16() == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hash_text("abc", HashAlgorithm::sha512).base16() ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa54ca49f");
}

TEST_CASE("a stream hashes as its whole, however it is cut") {
  const std::string text(1000, 'x');
  for (const size_t piece : {1u, 7u, 64u, 999u}) {
    Hasher hasher;
    for (size_t i = 0; i < text.size(); i += piece) hasher.update(std::string_view{text}.substr(i, piece));
    CHECK(hasher.size_bytes() == text.size());
    CHECK(hasher.finish() == hash_text(text));
  }
}

TEST_CASE("a hasher that was moved goes on where it was") {
  Hasher first;
  first.update("ab");
  Hasher second = std::move(first);
  second.update("c");
  CHECK(second.finish() == hash_text("abc"));
}

TEST_CASE("a hash is read back from all its text forms") {
  const auto algorithm =
      GENERATE(HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha512);
  const Hash hash = hash_text("abc", algorithm);
  const std::string name{to_string(algorithm)};
  CHECK(Hash::parse(hash.to_string()).value() == hash);
  CHECK(Hash::parse(hash.sri()).value() == hash);
  CHECK(Hash::parse(name + ":" + hash.base16()).value() == hash);
  CHECK(Hash::parse(name + ":" + hash.sri().substr(name.size() + 1)).value() == hash);
  CHECK(Hash::parse(hash.base16(), algorithm).value() == hash);
  CHECK(Hash::parse(hash.nix32(), algorithm).value() == hash);
  CHECK(Hash::parse(hash.sri(), algorithm).value() == hash);
}

TEST_CASE("hash texts that name no hash are rejected") {
  CHECK_FALSE(Hash::parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")); // which algorithm?
  CHECK_FALSE(Hash::parse("sha3:ba7816bf"));
  CHECK_FALSE(Hash::parse("sha256:ba7816bf"));
  CHECK_FALSE(Hash::parse("sha256-ungWv48Bz"));
  CHECK_FALSE(Hash::parse(""));
  CHECK_FALSE(Hash::parse(":"));
  CHECK_FALSE(Hash::parse("sha256:"));
}

TEST_CASE("a hash of another algorithm than asked for is an error that names both") {
  const auto result = Hash::parse(hash_text("abc", HashAlgorithm::sha1).to_string(), HashAlgorithm::sha256);
  REQUIRE_FALSE(result);
  CHECK(result.error().message == "expected a sha256 hash but found a sha1 one");
}

TEST_CASE("the place of a wrong digit counts from the text's beginning") {
  std::string text = hash_text("abc").to_string();
  text[20] = 'e';
  CHECK(Hash::parse(text).error().offset == 20);
}

TEST_CASE("an error reads as subject, place, message") {
  CHECK(Error{ErrorCode::malformed, "what", 96}.describe("NAR") == "NAR, byte 96: what");
  CHECK(Error{ErrorCode::malformed, "what"}.describe("NAR") == "NAR: what");
}
