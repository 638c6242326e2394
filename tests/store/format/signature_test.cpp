// Ed25519 signatures: RFC 8032's first vector, and what makes a signature acceptable.
#include <new>

#include "store/format/encoding.hpp"
#include "store/format/signature.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {

std::string base64_of_hex(std::string_view hex) { return encode_base64(decode_base16(hex).value()); }

const std::string kSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const std::string kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

} // namespace

TEST_CASE("RFC 8032's first test vector signs and verifies") {
  const SecretKey key = SecretKey::parse("test:" + base64_of_hex(kSeed + kPublic)).value();
  const Signature signature = key.sign({});
  CHECK(encode_base16(signature.bytes) == "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a3"
                                          "3bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  CHECK(key.public_key().to_string() == "test:" + base64_of_hex(kPublic));
  CHECK(verify({}, signature, key.public_key()));
  CHECK_FALSE(verify(as_bytes("x"), signature, key.public_key()));
}

TEST_CASE("keys and signatures are read back from their texts") {
  const SecretKey key = SecretKey::generate("cache.example.org-1");
  CHECK(SecretKey::parse(key.to_string()).value().public_key() == key.public_key());
  CHECK(SecretKey::parse(key.to_string() + "\n").value().public_key() == key.public_key());
  CHECK(PublicKey::parse(key.public_key().to_string()).value() == key.public_key());
  const Signature signature = key.sign(as_bytes("text"));
  CHECK(Signature::parse(signature.to_string()).value() == signature);
}

TEST_CASE("texts that are no keys are rejected") {
  const std::string good = SecretKey::generate("k").public_key().to_string();
  CHECK_FALSE(PublicKey::parse(good.substr(2)));         // no name
  CHECK_FALSE(PublicKey::parse(good.substr(1)));         // an empty name
  CHECK_FALSE(PublicKey::parse("a b" + good.substr(1))); // a space in the name
  CHECK_FALSE(PublicKey::parse(good + "="));             // no base64
  CHECK_FALSE(PublicKey::parse("k:Zm9v"));               // three bytes
  CHECK_FALSE(Signature::parse(good));                   // 32 bytes are no signature
  CHECK_FALSE(SecretKey::parse(good));
}

TEST_CASE("a new key's name has nothing that a screen or a list of keys could take for something else") {
  for (const char* name : {"cache.nixos.org-1", "a", "me@host+2_x"}) CHECK(is_key_name(name));
  for (const char* name : {"", "a b", "a:b", "a,b", "a;b", "a\nb", "a\033b", "ä", "a/b", "\"a\""})
    CHECK_FALSE(is_key_name(name));
  CHECK(is_key_name(std::string(128, 'a')));
  CHECK_FALSE(is_key_name(std::string(129, 'a')));
}

TEST_CASE("keys and signatures whose names have separators or control characters are rejected") {
  const SecretKey key = SecretKey::generate("k");
  for (const char* name : {"a b", "a,b", "a;b", "a\tb", "a\033[2Jb", "ä", "a\x7f"}) {
    CHECK_FALSE(PublicKey::parse(name + key.public_key().to_string().substr(1)));
    CHECK_FALSE(Signature::parse(name + key.sign({}).to_string().substr(1)));
    CHECK_FALSE(SecretKey::parse(name + key.to_string().substr(1)));
  }
}

TEST_CASE("a secret key whose public half is another's is rejected, since signing with it would give it away") {
  const std::string other = SecretKey::generate("other").public_key().to_string();
  const auto public_half = encode_base16(PublicKey::parse(other)->key);
  CHECK_FALSE(SecretKey::parse("k:" + base64_of_hex(kSeed + public_half)));
}

TEST_CASE("any one signature by any trusted key is enough, also among keys of one name") {
  const SecretKey first = SecretKey::generate("builder"), second = SecretKey::generate("builder"),
                  other = SecretKey::generate("other");
  const Bytes message = as_bytes("message");
  const std::vector<Signature> signatures = {other.sign(message), second.sign(message)};
  CHECK(verify_any(message, signatures, {first.public_key(), second.public_key()}));
  CHECK_FALSE(verify_any(message, signatures, {first.public_key()}));
}

TEST_CASE("a refused signature names who signed and who is trusted") {
  const SecretKey key = SecretKey::generate("mallory"), trusted = SecretKey::generate("alice");
  const Bytes message = as_bytes("message");
  CHECK(verify_any(message, {}, {trusted.public_key()}).error().message ==
        "it has no signature; trusted keys: \"alice\"");
  CHECK(verify_any(message, {key.sign(message)}, {trusted.public_key()}).error().message ==
        "it is signed by \"mallory\" only; trusted keys: \"alice\"");
  CHECK(verify_any(message, {trusted.sign(as_bytes("other"))}, {trusted.public_key()}).error().message ==
        "the signature by \"alice\" does not match the content; trusted keys: \"alice\"");
  CHECK(verify_any(message, {key.sign(message)}, {}).error().message ==
        "it is signed by \"mallory\" only; no key is trusted");
  CHECK(verify_any(message, {}, {}).error().code == ErrorCode::signature);
}

TEST_CASE("a signature of the same bytes under another key's name does not verify") {
  const SecretKey key = SecretKey::generate("a");
  Signature signature = key.sign(as_bytes("m"));
  signature.key_name = "b";
  CHECK_FALSE(verify(as_bytes("m"), signature, key.public_key()));
}
