// Text encodings, against RFC 4648's vectors and digits that nix-hash printed.
#include <new>

#include "store/format/encoding.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

} // namespace

TEST_CASE("base64 writes and reads RFC 4648's test vectors") {
  const auto [plain, coded] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}}));
  CHECK(encode_base64(as_bytes(plain)) == coded);
  CHECK(decode_base64(coded).value() == bytes_of(plain));
}

TEST_CASE("base64 that another encoder would not write is rejected") {
  const std::string text =
      GENERATE(as<std::string>{}, "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm-_", "Zm 9");
  CHECK_FALSE(decode_base64(text));
}

TEST_CASE("base16 reads capital digits too and writes small ones") {
  CHECK(encode_base16(decode_base16("00fFAb09").value()) == "00ffab09");
  CHECK_FALSE(decode_base16("abc"));
  CHECK(decode_base16("0g").error().offset == 1);
}

TEST_CASE("nix32 writes what nix-hash --to-base32 writes") {
  const auto [hex, nix32] = GENERATE(table<std::string, std::string>({
      {"d41d8cd98f00b204e9800998ecf8427e", "3y8bwfr609h3lh9ch0izcqq7fl"},
      {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "143xibwh31h9bvxzalr0sjvbbvpa6ffs"},
      {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"},
  }));
  CHECK(encode_nix32(decode_base16(hex).value()) == nix32);
  CHECK(encode_base16(decode_nix32(nix32).value()) == hex);
}

TEST_CASE("nix32 round trips every length up to 70 bytes") {
  std::vector<std::byte> data;
  for (unsigned i = 0; i < 70; ++i) {
    CHECK(encode_nix32(data).size() == nix32_length(data.size()));
    CHECK(decode_nix32(encode_nix32(data)).value() == data);
    data.push_back(static_cast<std::byte>(i * 151 + 200));
  }
}

TEST_CASE("nix32 with a foreign digit, an impossible length or spill bits is rejected with its place") {
  CHECK(decode_nix32("0e").error().offset == 1); // e, o, t, u are no digits
  CHECK_FALSE(decode_nix32("0"));                // five bits are no byte
  CHECK_FALSE(decode_nix32("000"));
  CHECK(decode_nix32("7z"));                     // 0xff and two zero bits
  CHECK(decode_nix32("zz").error().offset == 0); // ten bits set
}
