// What a user of the language notices beyond values: laziness, errors, limits, purity.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/evaluator.hpp"

namespace {

struct Fixture {
  explicit Fixture(lang::EvalOptions options = {}) : evaluator(store, std::move(options)) {}
  std::string operator()(std::string_view text) { return evaluator.print(evaluator.eval_string(text, "/base")); }
  lang::EvalError error(std::string_view text) {
    try {
      const std::string value = (*this)(text);
      FAIL("no error but " << value);
    } catch (const lang::EvalError& e) {
      return e;
    }
    throw std::logic_error("unreachable");
  }
  lang::MemoryEvalStore store;
  lang::Evaluator evaluator;
};

} // namespace

TEST_CASE("a value is evaluated when it is needed and at most once") {
  int traced = 0;
  lang::EvalOptions options;
  options.trace_output = [&](std::string_view) { ++traced; };
  Fixture eval{options};
  CHECK(eval("let x = builtins.trace \"x\" 1; in 2") == "2");
  CHECK(traced == 0);
  CHECK(eval("let x = builtins.trace \"x\" 1; f = a: a + a; in f x + x") == "3");
  CHECK(traced == 1);
  CHECK(
      eval("let s = { a = builtins.trace \"a\" 1; b = builtins.trace \"b\" 2; }; in [ s.a s.a (s // { c = 3; }).a ]") ==
      "[ 1 1 1 ]");
  CHECK(traced == 2);
  CHECK(eval("let inherit (builtins.trace \"source\" { a = 1; b = 2; }) a b; in a + b") == "3");
  CHECK(traced == 3);
  CHECK(eval("builtins.length (map (x: builtins.trace \"x\" x) [ 1 2 3 ])") == "3");
  CHECK(traced == 3);
}

TEST_CASE("a value that failed fails again in the same way") {
  Fixture eval;
  CHECK(eval("let x = throw \"no\"; in [ (builtins.tryEval x).success (builtins.tryEval x).success ]") ==
        "[ false false ]");
  CHECK(eval.error("let x = throw \"no\"; in builtins.seq (builtins.tryEval x) x").kind() == lang::ErrorKind::thrown);
}

TEST_CASE("only what is thrown and asserted is caught by tryEval") {
  Fixture eval;
  CHECK(eval("(builtins.tryEval (throw \"x\")).success") == "false");
  CHECK(eval("(builtins.tryEval (assert false; 1)).success") == "false");
  CHECK(eval.error("builtins.tryEval (abort \"x\")").kind() == lang::ErrorKind::abort);
  CHECK(eval.error("builtins.tryEval (1 + { })").kind() == lang::ErrorKind::type);
  CHECK(eval.error("builtins.tryEval { }.a").kind() == lang::ErrorKind::missing_attribute);
}

TEST_CASE("recursion a hundred thousand calls deep works") {
  lang::EvalOptions options;
  options.max_stack_bytes = size_t{1} << 30; // a sanitizer's frames are larger; the default is enough without
  Fixture eval{options};
  CHECK(eval("let sum = n: if n == 0 then 0 else n + sum (n - 1); in sum 100000") == "5000050000");
  CHECK(eval("let l = builtins.foldl' (acc: x: { inherit acc x; }) null (builtins.genList (x: x) 100000); "
             "depth = s: if s == null then 0 else 1 + depth s.acc; in depth l") == "100000");
}

TEST_CASE("endless recursion is an error with a position, not a crash") {
  lang::EvalOptions options;
  options.max_stack_bytes = size_t{32} << 20;
  Fixture eval{options};
  const auto error = eval.error("let f = x: 1 + f (x + 1); in f 0");
  CHECK(error.kind() == lang::ErrorKind::stack_overflow);
  CHECK(error.what() == std::string_view{"stack overflow; possible infinite recursion"});
  CHECK(error.position().known());
  CHECK(error.trace().size() <= 12);
  CHECK(error.dropped_frames() > 1000);
  CHECK(eval.error("let l = [ l ]; f = x: [ (f x) ]; in builtins.deepSeq (f 1) 1").kind() ==
        lang::ErrorKind::stack_overflow);
  CHECK(eval.error("let a = { b = a; c = f a; }; f = x: { y = f x; }; in builtins.toJSON a.c").kind() ==
        lang::ErrorKind::stack_overflow);
  CHECK(eval("1 + 1") == "2"); // and the evaluator lives on
}

TEST_CASE("text nested too deep is an error, not a crash") {
  lang::EvalOptions options;
  options.max_stack_bytes = size_t{32} << 20;
  Fixture eval{options};
  for (const std::string open : {"(", "[", "{a=", "!", "\"${"}) {
    std::string text;
    for (int i = 0; i < 300000; ++i) text += open;
    INFO(open);
    CHECK(eval.error(text).kind() == lang::ErrorKind::stack_overflow);
  }
  std::string sum = "1";
  for (int i = 0; i < 15000; ++i) sum += " + 1";
  CHECK(eval(sum) == "15001");
  for (int i = 0; i < 15000; ++i) sum += " + 1";
  CHECK(eval.error(sum).what() == std::string_view{"this expression is nested deeper than 20000 levels"});
  std::string json(300000, '[');
  CHECK(eval.error("builtins.fromJSON \"" + json + "\"").kind() == lang::ErrorKind::stack_overflow);
}

TEST_CASE("an error shows its line, a caret, the way there and what may have been meant") {
  Fixture eval;
  const auto error = eval.error("let\n  package = { version = \"1\"; };\n  show = p: p.verson;\nin show package\n");
  CHECK(error.kind() == lang::ErrorKind::missing_attribute);
  CHECK(error.hint() == "did you mean 'version'?");
  CHECK(lang::render_error(error) == "error: attribute 'verson' missing\n"
                                     "  at «string»:3:15\n"
                                     "  3 |   show = p: p.verson;\n"
                                     "    |               ^\n"
                                     "  hint: did you mean 'version'?\n"
                                     "  while calling 'show' at «string»:4:4\n");
  CHECK(
      lang::error_to_json(error) ==
      R"({"error":{"kind":"missing-attribute","message":"attribute 'verson' missing","hint":"did you mean 'version'?",)"
      R"("position":{"file":"«string»","line":3,"column":15},"trace":[{"text":"while calling 'show'",)"
      R"("position":{"file":"«string»","line":4,"column":4}}]}})");
  CHECK(lang::render_error(error, true).contains("\x1b[1;31merror:\x1b[0m"));
}

TEST_CASE("variables that do not exist are found before anything is evaluated") {
  Fixture eval;
  const auto error = eval.error("if false then lenght else 1");
  CHECK(error.kind() == lang::ErrorKind::undefined_variable);
  CHECK(eval.error("let length = 1; in if false then lenght else 1").hint() == "did you mean 'length'?");
}

TEST_CASE("addErrorContext puts its text into the trace") {
  Fixture eval;
  const auto error = eval.error("builtins.addErrorContext \"while looking\" (throw \"x\")");
  CHECK(std::ranges::any_of(error.trace(), [](const auto& frame) { return frame.text == "while looking"; }));
}

TEST_CASE("pure evaluation sees neither environment, time nor home") {
  Fixture eval;
  CHECK(eval("builtins.getEnv \"PATH\"") == "\"\"");
  CHECK(eval("[ (builtins ? currentTime) (builtins ? currentSystem) builtins.nixPath ]") == "[ false false [ ] ]");
  CHECK(eval.error("~/x").kind() == lang::ErrorKind::restricted);
  CHECK(eval.error("<nixpkgs>").kind() == lang::ErrorKind::io);
  CHECK(eval.error("builtins.storePath \"/kpkg/store/x\"").kind() == lang::ErrorKind::restricted);
  lang::EvalOptions options;
  options.pure = false;
  Fixture impure{options};
  CHECK(impure("builtins.getEnv \"PATH\" != \"\"") == "true");
  CHECK(impure("builtins.currentSystem") == "\"x86_64-linux\"");
}

TEST_CASE("what Nix has and this does not is refused by name") {
  Fixture eval;
  const auto error =
      eval.error("(derivation { name = \"x\"; system = \"s\"; builder = \"b\"; __contentAddressed = true; }).outPath");
  CHECK(error.kind() == lang::ErrorKind::unsupported);
  CHECK(error.what() == std::string_view{"derivations with __contentAddressed = true are not supported"});
  CHECK(eval.error("builtins.path { path = /tmp; recursive = false; }").kind() == lang::ErrorKind::unsupported);
}

TEST_CASE("there are at least ninety builtins and every one is documented") {
  const auto docs = lang::builtin_docs();
  CHECK(docs.size() >= 90);
  Fixture eval;
  std::string previous;
  for (const auto& doc : docs) {
    INFO(doc.name);
    CHECK(doc.text.size() > 4);
    CHECK(doc.name > previous);
    previous = doc.name;
    if (doc.name != "currentTime" && doc.name != "currentSystem")
      CHECK(eval("builtins ? " + std::string{doc.name}) == "true");
  }
}

TEST_CASE("a builtin takes its arguments one at a time or all at once") {
  Fixture eval;
  CHECK(eval("let f = builtins.foldl'; g = f (a: b: a + b); h = g 0; in [ (h [ 1 2 ]) (g 1 [ 1 ]) (f (a: b: b) 0 [ 9 "
             "]) ]") == "[ 3 2 9 ]");
  CHECK(eval("builtins.elemAt [ (x: x + 1) ] 0 41") == "42");
}

TEST_CASE("regular expressions are POSIX extended ones, without escapes of other dialects") {
  Fixture eval;
  CHECK(eval("builtins.match \"[[:alpha:]]+\\\\.(nix|txt)\" \"a.nix\"") == "[ \"nix\" ]");
  CHECK(eval("builtins.match \"[\\\\w]\" \"w\"") == "[ ]");
  CHECK(eval.error("builtins.match \"\\\\w+\" \"a\"").kind() == lang::ErrorKind::value);
  CHECK(eval.error("builtins.split \"(\" \"a\"").kind() == lang::ErrorKind::value);
}
