// What strings depend on, as text and as a type.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/evaluator.hpp"

namespace {
using Kind = lang::ContextElement::Kind;
const std::string kBase = "/kpkg/store/00000000000000000000000000000000-x";
} // namespace

TEST_CASE("a context element is read from its text and printed as the same") {
  const auto kind_of = [](const std::string& text) {
    const auto element = lang::ContextElement::parse(text);
    REQUIRE(element);
    CHECK(element->text() == text);
    CHECK(element->path.full().starts_with(kBase));
    return element->kind;
  };
  CHECK(kind_of(kBase) == Kind::path);
  CHECK(kind_of("!dev!" + kBase + ".drv") == Kind::output);
  CHECK(kind_of("=" + kBase + ".drv") == Kind::derivation);
  CHECK(lang::ContextElement::parse("!dev!" + kBase + ".drv")->output == "dev");
  for (const std::string& text : {std::string{}, std::string{"!"}, std::string{"!out"}, std::string{"="},
                                  "!out" + kBase, kBase + "/inside", std::string{"/elsewhere"}})
    CHECK_FALSE(lang::ContextElement::parse(text));
}

TEST_CASE("the strings of a derivation depend on its outputs, its drvPath on all of it") {
  lang::MemoryEvalStore store;
  lang::Evaluator evaluator{store};
  const auto kind_of = [&](const std::string& attribute) {
    const auto context = evaluator.string_context(
        evaluator.eval_string("(derivation { name = \"d\"; system = \"s\"; builder = \"b\"; })." + attribute, "/"));
    REQUIRE(context.size() == 1);
    CHECK(context.begin()->path.is_derivation());
    return context.begin()->kind;
  };
  CHECK(kind_of("outPath") == Kind::output);
  CHECK(kind_of("drvPath") == Kind::derivation);
}
