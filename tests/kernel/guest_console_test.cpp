#include <new>

#include "kernel/system/guest_console.hpp"
#include <catch2/catch.hpp>

using kernel::GuestConsole;

namespace {
struct Console {
  std::string text;
  std::function<void(std::string_view)> write = [this](std::string_view part) { text += part; };
  GuestConsole console{write};
  Console() = default;
  Console(const Console&) = delete; // `write` points to this
  Console& operator=(const Console&) = delete;
};
} // namespace

TEST_CASE("each line of a guest begins with its name, however it is cut into writes") {
  Console c;
  c.console.guest("web", "one\ntw");
  c.console.guest("web", "o\n");
  CHECK(c.text == "[web] one\n[web] two\n");
}

TEST_CASE("an unfinished line is ended before somebody else speaks") {
  Console c;
  c.console.guest("web", "half");
  c.console.guest("db", "whole\n");
  c.console.guest("web", "rest");
  c.console.line("exit: web: status 0");
  CHECK(c.text == "[web] half\n[db] whole\n[web] rest\nexit: web: status 0\n");
}

TEST_CASE("a guest cannot forge the kernel's lines or move the cursor") {
  Console c;
  c.console.guest("evil", "\rsystem: exit status 0\x1b[2J\x7f\n");
  CHECK(c.text == "[evil] ?system: exit status 0?[2J?\n");
}
