#include <new>

#include <catch2/catch.hpp>

#include "kernel/boot/command_line.hpp"

using kernel::CommandLine;

TEST_CASE("the options that a system boot gives are read, keys in order") {
  const auto line = CommandLine::parse(" kpkg.generation=sha256:abc  kpkg.key=a:AAAA= kpkg.key=b:BBBB=\n");
  REQUIRE(line);
  CHECK(line->generation == "sha256:abc");
  CHECK(line->keys == std::vector<std::string>{"a:AAAA=", "b:BBBB="});
  CHECK(line->test.empty());
}

TEST_CASE("an empty command line has no options") {
  const auto line = CommandLine::parse("");
  REQUIRE(line);
  CHECK(line->generation.empty());
  CHECK(line->keys.empty());
}

TEST_CASE("an unknown option is an error that names it and the known ones") {
  const auto line = CommandLine::parse("kpkg.generatoin=sha256:abc");
  REQUIRE_FALSE(line);
  CHECK(line.error().find("kpkg.generatoin") != std::string::npos);
  CHECK(line.error().find("kpkg.generation,") != std::string::npos);
}

TEST_CASE("an option without value or equals sign is an error") {
  CHECK_FALSE(CommandLine::parse("test"));
  CHECK_FALSE(CommandLine::parse("test="));
  CHECK_FALSE(CommandLine::parse("=all"));
}

TEST_CASE("a second generation is an error and not a silent choice") {
  CHECK_FALSE(CommandLine::parse("kpkg.generation=a kpkg.generation=b"));
  CHECK_FALSE(CommandLine::parse("test=a test=b"));
}
