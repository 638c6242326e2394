// fromJSON and toJSON where they differ from what a JSON library would do.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/evaluator.hpp"

namespace {
struct Fixture {
  lang::MemoryEvalStore store;
  lang::Evaluator evaluator{store};
  std::string read(const std::string& json) {
    return evaluator.print(
        evaluator.call(evaluator.eval_string("builtins.fromJSON", "/"), evaluator.make_string(json)));
  }
};
} // namespace

TEST_CASE("integers of JSON are integers as far as they fit, and the last of equal keys counts") {
  Fixture f;
  CHECK(f.read("9223372036854775807") == "9223372036854775807");
  CHECK(f.read("-9223372036854775808") == "-9223372036854775808");
  CHECK_THROWS_WITH(f.read("9223372036854775808"), Catch::Contains("does not fit into 64 bits"));
  CHECK_THROWS_WITH(f.read("99999999999999999999999"), Catch::Contains("does not fit into 64 bits"));
  CHECK(f.read("-99999999999999999999") == "-1e+20");
  CHECK(f.read("[1.0, 1e2, -0]") == "[ 1 100 0 ]");
  CHECK(f.read(R"({"b": 1, "a": [{"x": 1, "x": 2}], "b": 3})") == "{ a = [ { x = 2; } ]; b = 3; }");
}

TEST_CASE("text that is not JSON is refused with the byte") {
  Fixture f;
  CHECK_THROWS_WITH(f.read("[1,]"), Catch::Contains("byte 4"));
  for (const char* text : {"", "{", "[1 2]", "01", "+1", "nul", "\"\\x\"", "\"\\ud800\"", "\"\xff\"", "1 1", "1e999",
                           "{\"a\" 1}", "{1: 2}", "\"\n\"", "// no\n1"}) {
    INFO(text);
    CHECK_THROWS_AS(f.read(text), lang::EvalError);
  }
  CHECK_THROWS_WITH(f.read("\"\\u0000\""), Catch::Contains("NUL"));
  CHECK_THROWS_WITH(f.read("{\"\\u0000\": 1}"), Catch::Contains("NUL"));
}

TEST_CASE("control characters are written as Nix 2.8 writes them") {
  Fixture f;
  CHECK(f.evaluator.to_json(f.evaluator.make_string("a\bb\f\b\n\t\r\x01\"\\/\x7f")) ==
        "\"a\\u0008b\\u000c\\u0008\\n\\t\\r\\u0001\\\"\\\\/\x7f\"");
}
