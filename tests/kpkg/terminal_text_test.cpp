#include "kpkg/cli/progress.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <catch2/catch.hpp>

using namespace kpkg;

TEST_CASE("what is printable stays, what commands a terminal is shown") {
  CHECK(printable("plain text\n\twith ümlauts …") == "plain text\n\twith ümlauts …");
  CHECK(printable("\033[31m") == "\\x1b[31m");
  CHECK(printable("a\rb\x7f") == "a\\x0db\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
}

TEST_CASE("bytes that are no UTF-8 become replacement characters") {
  CHECK(valid_utf8("a\xff"
                   "b") == "a\uFFFDb");
  CHECK(valid_utf8("ü") == "ü");
}

TEST_CASE("text is wrapped at spaces, in columns of characters") {
  CHECK(wrapped("one two three", 8, 2) == "one two\n  three");
  CHECK(wrapped("üüüü üüüü", 9, 0) == "üüüü üüüü");
  CHECK(wrapped("unbreakable", 4, 0) == "unbreakable");
}

TEST_CASE("a line of progress fits the terminal") {
  CHECK(clipped("building hello  compiling", 14) == "building hello");
  CHECK(clipped("üüü", 2) == "üü");
  CHECK(clipped("a\tb\nc", 9) == "a b c");
}
