// UTF-8, JSON strings and suggestions: what several rooms read and write alike.
#include "store/base/json_text.hpp"
#include "store/base/suggest.hpp"
#include "store/base/utf8.hpp"
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace store {

TEST_CASE("UTF-8 is accepted and refused as RFC 3629 says, wherever it stands in the text") {
  const std::string_view good[] = {
      "", "a", "é", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  const std::string_view bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
                                  "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                  "\xc3",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc3(",
                                  "\xff"};
  for (const char* before : {"", "x", "1234567", "12345678", "123456789abcdef0"}) {
    for (const std::string_view text : good) CHECK(is_utf8(before + std::string{text} + before));
    for (const std::string_view text : bad) {
      CHECK_FALSE(is_utf8(before + std::string{text}));
      CHECK_FALSE(is_utf8(before + std::string{text} + "12345678"));
      CHECK(utf8_sequence_length(text) == 0);
    }
  }
}

TEST_CASE("every Unicode scalar value is written as one well-formed sequence") {
  for (uint32_t scalar = 0; scalar < 0x110000; ++scalar) {
    if (scalar == 0xd800) scalar = 0xe000; // surrogates are none
    std::string text;
    append_utf8(text, scalar);
    if (utf8_sequence_length(text) != text.size() || (scalar < 0x80) != (text.size() == 1)) FAIL(scalar);
  }
}

TEST_CASE("a JSON string reads back as it was, in nlohmann-json's own spelling") {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  for (const std::string& text : {all, std::string{"naïve – ☃ 😀"}, std::string{}}) {
    std::string json;
    append_json_string(json, text);
    CHECK(nlohmann::json::parse(json).get<std::string>() == text);
    CHECK(json == nlohmann::json(text).dump());
  }
}

TEST_CASE("the nearest name is found, and nothing where none is near") {
  CHECK(nearest_name("lenght", {"length", "head", "tail"}) == "length");
  CHECK(nearest_name("biuld", {"log", "build", "push"}) == "build"); // two letters swapped are one mistake
  CHECK(nearest_name("lgo", {"log", "build"}) == "log");
  CHECK(nearest_name("instal", {"log", "install", "push"}) == "install");
  CHECK(nearest_name("frobnicate", {"log", "install", "push"}).empty());
  CHECK(nearest_name("", {"a"}).empty());
}

} // namespace store
