#include "kpkg/cli/parse.hpp"
#include "kpkg/commands/commands.hpp"
#include <catch2/catch.hpp>

using namespace kpkg;
using Catch::Contains;

namespace {

// What parsing says is wrong: message and hint.
std::string refusal(const std::vector<std::string>& words) {
  Context context;
  const Program program = make_program(context);
  try {
    (void)parse(program, words);
  } catch (const store::UserError& error) {
    CHECK(error.code() == store::UserErrorCode::usage);
    return std::string(error.what()) + " / " + error.hint();
  }
  return "(understood)";
}

} // namespace

TEST_CASE("options of every command stand before and after it") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--json", "store", "list"},
                                                {"store", "--json", "list"},
                                                {"store", "list", "--json"}}) {
    Context context;
    const Program program = make_program(context);
    const Invocation invocation = parse(program, words);
    REQUIRE(invocation.command);
    CHECK(invocation.command->name == "store list");
    CHECK(context.json);
  }
}

TEST_CASE("a mistyped word is named with what was probably meant") {
  CHECK_THAT(refusal({"buil"}), Contains("kpkg has no command 'buil'") && Contains("'build'"));
  CHECK_THAT(refusal({"system", "boo"}), Contains("kpkg system has no command 'boo'") && Contains("'boot'"));
  CHECK_THAT(refusal({"--root", "x", "buil"}), Contains("'buil'"));
  CHECK_THAT(refusal({"eval", "--raq"}), Contains("kpkg eval has no option '--raq'") && Contains("'--raw'"));
  CHECK_THAT(refusal({"store", "list", "more"}), Contains("takes no further argument 'more'"));
}

TEST_CASE("what is missing or no value is refused") {
  CHECK_THAT(refusal({}), Contains("subcommand"));
  CHECK_THAT(refusal({"push", "x"}), Contains("--to"));
  CHECK_THAT(refusal({"completion", "tcsh"}), Contains("tcsh"));
  CHECK_THAT(refusal({"build", "--jobs", "-1"}), Contains("--jobs"));
  CHECK_THAT(refusal({"system", "boot", "i", "--memory", "1"}), Contains("--memory"));
}

TEST_CASE("flags are seen before parsing, but not behind --") {
  CHECK(has_flag({"eval", "--json"}, "--json"));
  CHECK_FALSE(has_flag({"run", "x", "--", "--json"}, "--json"));
}

TEST_CASE("help and version are texts, of the innermost command that is named") {
  Context context;
  const Program program = make_program(context);
  CHECK_THAT(parse(program, {"--help"}).text, Contains("Usage: kpkg COMMAND"));
  CHECK_THAT(parse(program, {"system", "--help"}).text, Contains("Usage: kpkg system COMMAND"));
  CHECK_THAT(parse(program, {"system", "boot", "-h"}).text, Contains("Usage: kpkg system boot"));
  CHECK_THAT(parse(program, {"--version"}).text, Contains("kpkg "));
}
