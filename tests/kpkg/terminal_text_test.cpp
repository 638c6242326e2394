#include "kpkg/cli/terminal_text.hpp"
#include <catch2/catch.hpp>

using namespace kpkg;

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
  CHECK(clipped("\033[31mred\033[0m", 3) == "red");
  CHECK(clipped("漢字", 3) == "漢");
  CHECK(clipped("a\033[2J", 3) == "a\\x");
}

TEST_CASE("no line of a message but its first begins where kpkg's own lines do") {
  CHECK(printable_message("failed\nerror: x\r\n\nhint: y", 2) == "failed\n  error: x\\x0d\n  \n  hint: y");
}

TEST_CASE("a log keeps its lines and their colours") {
  CHECK(printable_log("a\n\033[31mb\n\nc", store::Colour::keep) == "a\n\033[31mb\033[0m\n\nc\n");
  CHECK(printable_log("10 %\r20 %\n", store::Colour::drop) == "10 %\\x0d20 %\n");
}
