// Hashes and signatures in the kernel against published vectors, and the project's own text forms of them.
#include "kernel/debug/kernel_test.hpp"
#include "kernel/drivers/random.hpp"
#include "store/format/hash.hpp"
#include "store/format/signature.hpp"
#include <cstring>
#include <sodium.h>
#include <string>

KERNEL_TEST("SHA-256 of \"abc\" is FIPS 180-2's (appendix B.1)") {
  CHECK(store::hash_text("abc").base16() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

KERNEL_TEST("SHA-256 of a million \"a\" in odd pieces is FIPS 180-2's (appendix B.3)") {
  store::Hasher hasher;
  const std::string piece(997, 'a');
  for (int left = 1000000; left > 0; left -= 997)
    hasher.update(std::string_view(piece).substr(0, static_cast<size_t>(left < 997 ? left : 997)));
  CHECK(hasher.finish().base16() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

KERNEL_TEST("Ed25519 accepts RFC 8032's second vector and refuses it with one bit changed") {
  unsigned char key[32];
  unsigned char signature[64];
  sodium_hex2bin(key, sizeof key, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 64, nullptr,
                 nullptr, nullptr);
  sodium_hex2bin(signature, sizeof signature,
                 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                 128, nullptr, nullptr, nullptr);
  const unsigned char message = 0x72;
  CHECK(crypto_sign_verify_detached(signature, &message, 1, key) == 0);
  signature[10] ^= 1;
  CHECK(crypto_sign_verify_detached(signature, &message, 1, key) != 0);
}

KERNEL_TEST("random bytes differ from call to call") {
  std::byte first[32];
  std::byte second[32];
  CHECK(kernel::random_bytes(first));
  CHECK(kernel::random_bytes(second));
  CHECK(memcmp(first, second, sizeof first) != 0);
}
