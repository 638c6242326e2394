// The public face: how the command line uses the evaluator.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/evaluator.hpp"
#include "tests/derivations/lang/nix_oracle.hpp"

namespace {
struct Fixture {
  lang::MemoryEvalStore store;
  lang::Evaluator evaluator{store};
  lang::Value* eval(std::string_view text) { return evaluator.eval_string(text, "/base"); }
};
} // namespace

TEST_CASE("select follows names, quoted names and list indices, and calls functions on the way") {
  Fixture f;
  lang::Value* v = f.eval("{ a.b.\"c d\" = [ 1 { e = { x ? 1, y }: x + y; } ]; }");
  CHECK(f.evaluator.integer(f.evaluator.select(v, "a.b.\"c d\".0")) == 1);
  CHECK(f.evaluator.integer(f.evaluator.select(
            v, "a.b.\"c d\".1.e", {{"y", f.evaluator.make_integer(5)}, {"z", f.evaluator.make_null()}})) == 6);
  CHECK_THROWS_AS(f.evaluator.select(v, "a.b.\"c d\".7"), lang::EvalError);
  CHECK_THROWS_AS(f.evaluator.select(v, "a.b.\"c d"), lang::EvalError);
  CHECK_THROWS_AS(f.evaluator.select(v, "a..b"), lang::EvalError);
  try {
    (void)f.evaluator.select(f.eval("{ hello = 1; }"), "helo");
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.hint() == "did you mean 'hello'?");
  }
}

TEST_CASE("a function is called with the arguments it names, and says which one it lacks") {
  Fixture f;
  const std::map<std::string, lang::Value*> arguments{{"a", f.evaluator.make_string("A")},
                                                      {"b", f.evaluator.make_boolean(true)}};
  CHECK(f.evaluator.print(f.evaluator.auto_call(f.eval("{ a, c ? 3 }: [ a c ]"), arguments)) == "[ \"A\" 3 ]");
  CHECK(f.evaluator.print(f.evaluator.auto_call(f.eval("{ a, ... }@all: builtins.attrNames all"), arguments)) ==
        "[ \"a\" \"b\" ]");
  CHECK(f.evaluator.print(f.evaluator.auto_call(f.eval("{ __functor = self: { a }: a; }"), arguments)) == "\"A\"");
  CHECK(f.evaluator.type(f.evaluator.auto_call(f.eval("x: x"), arguments)) == lang::ValueType::function);
  try {
    (void)f.evaluator.auto_call(f.eval("{ missing }: missing"), arguments);
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.kind() == lang::ErrorKind::call);
    CHECK(std::string_view{error.what()}.contains("'missing'"));
    CHECK(error.position().column == 3);
  }
}

TEST_CASE("values made in C++ are values of the language") {
  Fixture f;
  lang::Value* items[] = {f.evaluator.make_integer(1), f.evaluator.make_floating(2.5), f.evaluator.make_null(),
                          f.evaluator.make_path("/x/../y")};
  lang::Value* set = f.evaluator.make_attrs({{"z", f.evaluator.make_list(items)}, {"a", f.evaluator.make_string("t")}});
  CHECK(f.evaluator.print(set) == "{ a = \"t\"; z = [ 1 2.5 null /y ]; }");
  CHECK(f.evaluator.print(f.evaluator.call(f.eval("s: s.a + builtins.toString s.z"), set)) == "\"t1 2.500000  /y\"");
  const std::string path = "/kpkg/store/00000000000000000000000000000000-x";
  const lang::ContextElement depends = store::unwrap(lang::ContextElement::parse(path), path);
  lang::Value* linked = f.evaluator.call(f.eval("p: \"${p}/bin\""), f.evaluator.make_string(path, {depends}));
  CHECK(f.evaluator.string_context(linked) == std::set<lang::ContextElement>{depends});
}

TEST_CASE("a derivation shows its path, its outputs and which of them was selected") {
  Fixture f;
  lang::Value* v =
      f.eval("(derivation { name = \"d\"; system = \"s\"; builder = \"b\"; outputs = [ \"out\" \"dev\" ]; }).dev");
  const auto info = f.evaluator.derivation(v);
  REQUIRE(info);
  CHECK(info->name == "d");
  CHECK(info->output_name == "dev");
  CHECK(info->drv_path.name() == "d.drv");
  REQUIRE(info->outputs.size() == 2);
  CHECK(info->outputs.at("dev").name() == "d-dev");
  CHECK(f.store.derivations().size() == 1);
  CHECK(f.store.read_derivation(info->drv_path).env.at("out") == info->outputs.at("out").full());
  CHECK_FALSE(f.evaluator.derivation(f.eval("{ type = \"other\"; }")));
}

TEST_CASE("JSON comes with what its strings depend on") {
  Fixture f;
  std::set<lang::ContextElement> context;
  const std::string json = f.evaluator.to_json(
      f.eval("let d = derivation { name = \"d\"; system = \"s\"; builder = \"b\"; }; in { drv = d; n = [ 1 true ]; }"),
      &context);
  REQUIRE(context.size() == 1);
  CHECK(context.begin()->text().starts_with("!out!/kpkg/store/"));
  CHECK(json.starts_with("{\"drv\":\"/kpkg/store/"));
  CHECK(json.ends_with("-d\",\"n\":[1,true]}"));
}

TEST_CASE("a local store receives sources, texts and derivations, readable by their logical paths") {
  const oracle::Folder folder;
  store::LocalStore local{folder.path / "root"};
  std::vector<store::StorePath> built;
  lang::LocalEvalStore store{local,
                             [&](const store::StorePath& drv, const std::set<std::string>&) { built.push_back(drv); }};
  lang::Evaluator evaluator{store};
  const auto eval = [&](const std::string& text) { return evaluator.eval_string(text, folder.path); };
  CHECK(evaluator.string(eval("builtins.readFile \"${./fixture}/text\"")) == "some text\n");
  CHECK(evaluator.integer(eval("import \"${./fixture}/value.nix\"")) == 42);
  CHECK(evaluator.string(eval("builtins.readFile (builtins.toFile \"x\" \"contents\")")) == "contents");
  CHECK(evaluator.boolean(eval("builtins.pathExists (builtins.toFile \"x\" \"contents\")")));
  CHECK(evaluator.list(eval("builtins.attrNames (builtins.readDir \"${./fixture}\")")).size() == 6);
  const auto info =
      evaluator.derivation(eval("derivation { name = \"d\"; system = \"s\"; builder = \"b\"; src = ./fixture; }"));
  REQUIRE(info);
  CHECK(local.is_valid(info->drv_path));
  CHECK(local.read_derivation(info->drv_path).input_srcs.size() == 1);
  // Reading an output asks for it to be built first.
  CHECK_THROWS_AS(
      evaluator.string(eval("builtins.readFile (derivation { name = \"e\"; system = \"s\"; builder = \"b\"; })")),
      lang::EvalError);
  CHECK(built.size() == 1);
}

TEST_CASE("an evaluation that writes nothing refuses to import from a derivation") {
  Fixture f;
  try {
    (void)f.eval("import (derivation { name = \"e\"; system = \"s\"; builder = \"b\"; })");
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.kind() == lang::ErrorKind::store);
    CHECK(std::string_view{error.what()}.contains("is not built"));
  }
  // but texts of its own it can read
  CHECK(f.evaluator.string(f.eval("builtins.readFile (builtins.toFile \"x\" \"contents\")")) == "contents");
}

TEST_CASE("statistics count calls, thunks and memory") {
  Fixture f;
  (void)f.eval("let f = x: x + 1; in f (f 1)");
  const auto statistics = f.evaluator.statistics();
  CHECK(statistics.calls == 2);
  CHECK(statistics.thunks > 0);
  CHECK(statistics.allocated_bytes > 1000);
}

TEST_CASE("files that need each other's values are infinite recursion, and a file is read once") {
  const oracle::Folder folder;
  oracle::write_file(folder.path / "a.nix", "1 + import ./b.nix");
  oracle::write_file(folder.path / "b.nix", "1 + import ./a.nix");
  oracle::write_file(folder.path / "even.nix", "n: n == 0 || import ./odd.nix (n - 1)");
  oracle::write_file(folder.path / "odd.nix", "n: n != 0 && import ./even.nix (n - 1)");
  Fixture f;
  try {
    (void)f.evaluator.eval_file(folder.path / "a.nix");
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.kind() == lang::ErrorKind::infinite_recursion);
    CHECK(error.position().file == (folder.path / "b.nix").string());
  }
  CHECK(f.evaluator.boolean(
      f.evaluator.call(f.evaluator.eval_file(folder.path / "even.nix"), f.evaluator.make_integer(1000))));
}

TEST_CASE("embedded files are imported, read and listed like files on the disk") {
  lang::MemoryEvalStore store;
  lang::EvalOptions options;
  options.embedded_files = {{"/program/library/default.nix", "{ module = import ./module.nix; data = ./data; }"},
                            {"/program/library/module.nix", "{ x }: x + 1"},
                            {"/program/library/broken.nix", "1 +\n  true"},
                            {"/program/library/data/text", "some text\n"}};
  options.search_path = {{"library", "/program/library"}};
  lang::Evaluator evaluator{store, options};
  const auto shown = [&](std::string_view text) { return evaluator.print(evaluator.eval_string(text, "/base")); };

  CHECK(evaluator.attribute_names(evaluator.eval_file("/program/library")) ==
        std::vector<std::string>{"data", "module"});
  CHECK(shown("(import <library>).module { x = 1; }") == "2");
  CHECK(shown("import <library/module.nix> { x = 2; }") == "3");
  CHECK(shown("builtins.readFile ((import <library>).data + \"/text\")") == "\"some text\\n\"");
  CHECK(shown("map builtins.pathExists [ <library> <library/data/text> /program/library/absent /program ]") ==
        "[ true true false true ]");
  CHECK(shown("builtins.readDir <library>") ==
        "{ \"broken.nix\" = \"regular\"; data = \"directory\"; \"default.nix\" = \"regular\"; \"module.nix\" = "
        "\"regular\"; }");
  CHECK(shown("map builtins.readFileType [ <library> <library/module.nix> ]") == "[ \"directory\" \"regular\" ]");
  try {
    (void)evaluator.eval_file("/program/library/broken.nix");
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.position().file == "/program/library/broken.nix");
    CHECK(error.position().line == 2);
  }
  for (const char* text : {"\"${<library>}\"", "builtins.path { path = <library/data>; }"})
    CHECK_THROWS_WITH(evaluator.eval_string(text, "/base"), Catch::Contains("it is part of this program"));
  CHECK_THROWS_WITH(evaluator.eval_string("import <library/absent>", "/base"), Catch::Contains("was not found"));
}

TEST_CASE("a build that fails on behalf of an evaluation stays a failed build") {
  const oracle::Folder folder;
  store::LocalStore local{folder.path / "root"};
  lang::LocalEvalStore writing{local, [](const store::StorePath&, const std::set<std::string>&) {
                                 throw store::UserError(store::UserErrorCode::build, "the builder failed",
                                                        "look there");
                               }};
  lang::Evaluator evaluator{writing};
  try {
    (void)evaluator.eval_string("import (derivation { name = \"d\"; system = \"s\"; builder = \"b\"; })", "/");
    FAIL("no error");
  } catch (const store::UserError& error) {
    CHECK(error.code() == store::UserErrorCode::build);
    CHECK(error.hint() == "look there");
  }
  try {
    (void)evaluator.eval_string("1 + true", "/");
    FAIL("no error");
  } catch (const store::UserError& error) {
    CHECK(error.code() == store::UserErrorCode::evaluation);
  }
}

TEST_CASE("the limit of time is one for all that an evaluator does") {
  lang::MemoryEvalStore store;
  lang::Evaluator evaluator{store, {.max_time = std::chrono::seconds{1}}};
  const auto many_short_ones = [&] {
    for (int i = 0; i < 20'000; ++i)
      (void)evaluator.eval_string("let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in f 20", "/");
  };
  try {
    many_short_ones();
    FAIL("no error");
  } catch (const lang::EvalError& error) {
    CHECK(error.kind() == lang::ErrorKind::limit);
  }
}
