#include "store/base/printable_text.hpp"
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace store {

TEST_CASE("text that could mislead a reader is shown as its numbers") {
  CHECK(printable("plain\n\twith ümlauts … 漢字 🙂") == "plain\n\twith ümlauts … 漢字 🙂");
  CHECK(printable("\033]0;title\a") == "\\x1b]0;title\\x07");
  CHECK(printable("a\rb\x7f") == "a\\x0db\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable("user\u202Etxt.exe") == "user\\u{202e}txt.exe"); // reads exe.txt
  CHECK(printable("a\u200Bb\uFEFF\u2028\u2066") == "a\\u{200b}b\\u{feff}\\u{2028}\\u{2066}");
  CHECK(printable("\U000E0041") == "\\u{e0041}");
  CHECK(printable_line("a\nb\tc") == "a\\x0ab\\x09c");
}

TEST_CASE("the whole range of every kind of control is escaped, and its neighbours are not") {
  const std::pair<uint32_t, uint32_t> ranges[] = {{0x7f, 0x9f},     {0x200b, 0x200f}, {0x2028, 0x202e},
                                                  {0x2060, 0x206f}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
  for (const auto& [first, last] : ranges) {
    CHECK_FALSE(is_deceptive(first - 1));
    for (uint32_t scalar = first; scalar <= last; ++scalar) CHECK(is_deceptive(scalar));
    CHECK_FALSE(is_deceptive(last + 1));
  }
}

TEST_CASE("JSON text that is made printable has the same value") {
  const std::string text = "a\x7f\u009b\u202e\U000E0041 ümlaut 🙂";
  const std::string shown = printable_json(nlohmann::json(text).dump());
  CHECK(shown == "\"a\\u007f\\u009b\\u202e\\udb40\\udc41 ümlaut 🙂\"");
  CHECK(nlohmann::json::parse(shown).get<std::string>() == text);
}

TEST_CASE("of a builder's escapes only colours pass, and end with their line") {
  const auto kept = [](std::string_view line) { return printable_log_line(line, Colour::keep); };
  CHECK(kept("\033[1;31merror\033[m: x") == "\033[1;31merror\033[m: x\033[0m");
  CHECK(kept("\033[38;5;8mgrey") == "\033[38;5;8mgrey\033[0m");
  CHECK(kept("\033[38;2;8;8;8m\033[4:3mx") == "\033[38;2;8;8;8m\033[4:3mx\033[0m");
  CHECK(kept("plain") == "plain");
  for (const char* command : {"[2J", "[1A", "[H", "[?25l", "]0;title", "]52;c;c2VjcmV0", "]8;;http://x", "c", "[31",
                              "P+q", "[>4m", "[31 m", "[1\033m"})
    CHECK(kept(std::string("\033") + command).starts_with("\\x1b"));
  CHECK(kept("\033[" + std::string(70, '1') + "m").starts_with("\\x1b"));
}

TEST_CASE("a colour that conceals what follows is left out") {
  CHECK(printable_log_line("a\033[8mb", Colour::keep) == "ab");
  CHECK(printable_log_line("a\033[31;08mb", Colour::keep) == "ab");
  CHECK(printable_log_line("a\033[38;5;1;8mb", Colour::keep) == "ab");
}

TEST_CASE("without colour nothing of a colour is left") {
  CHECK(printable_log_line("\033[1;31merror\033[0m: x\ty", Colour::drop) == "error: x\ty");
  CHECK(printable_log_line("\033\033[0m[2J", Colour::drop) == "\\x1b[2J");
}

TEST_CASE("of a progress bar the last state is left") {
  CHECK(last_overwritten("10 %\r20 %\r30 %") == "30 %");
  CHECK(last_overwritten("10 %\r20 %\r\r") == "20 %");
  CHECK(last_overwritten("plain") == "plain");
  CHECK(last_overwritten("\r").empty());
}

} // namespace store
