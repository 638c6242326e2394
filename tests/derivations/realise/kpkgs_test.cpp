// The Nix library: what mkModule and mkSystem accept and refuse, and the example modules built with the real compiler.
#include "derivations/lang/evaluator.hpp"
#include "tests/derivations/realise/build_fixture.hpp"
#include <nlohmann/json.hpp>

using namespace realise;
using namespace realise::test;
using Catch::Contains;

namespace {

fs::path source_folder() {
  const char* folder = std::getenv("KPKG_SOURCE_DIR");
  if (folder == nullptr) skip("KPKG_SOURCE_DIR is not set");
  return folder;
}

// Evaluates an expression in which `kpkgs` and `examples` stand for this repository's. `clang` is the toolchain's path,
// or empty for a library without one.
lang::Value* with_kpkgs(lang::Evaluator& evaluator, const std::string& expression, const std::string& clang) {
  const std::string root = source_folder().string();
  lang::Value* function = evaluator.eval_string("toolchains: let kpkgs = import " + root +
                                                    "/derivations/kpkgs { inherit toolchains; }; examples = " + root +
                                                    "/examples; in " + expression,
                                                "/");
  std::map<std::string, lang::Value*> toolchains;
  if (!clang.empty())
    toolchains.emplace("clang",
                       evaluator.make_string(clang, {store::unwrap(lang::ContextElement::parse(clang), clang)}));
  return evaluator.call(function, evaluator.make_attrs(toolchains));
}

const std::string kSomeClang = "/kpkg/store/ysb6lbblc2rj2bjqcyr7sszv5jhw26s3-clang-toolchain-22.1.8";

nlohmann::json json_of(const std::string& expression) {
  lang::MemoryEvalStore memory;
  lang::Evaluator evaluator{memory};
  return nlohmann::json::parse(evaluator.to_json(with_kpkgs(evaluator, expression, kSomeClang)));
}

std::string error_of(const std::string& expression, const std::string& clang = kSomeClang) {
  lang::MemoryEvalStore memory;
  lang::Evaluator evaluator{memory};
  try {
    return "(no error) " + evaluator.to_json(with_kpkgs(evaluator, expression, clang));
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string system_of(const std::string& instances) {
  return "kpkgs.mkSystem { name = \"s\"; instances = [ " + instances + " ]; }";
}

std::string module_of(const std::string& arguments) {
  return "(kpkgs.mkModule { name = \"m\"; version = \"1\"; src = builtins.toFile \"m.c\" \"\"; " + arguments +
         " }).drvPath";
}

} // namespace

TEST_CASE("the example system lists its instances in start order with their defaults filled in") {
  const auto system = json_of("import (examples + \"/system.nix\") { inherit kpkgs; }");
  CHECK(system["type"] == "system");
  CHECK(system["name"] == "hello-system");
  REQUIRE(system["instances"].size() == 2);
  const auto& hello = system["instances"][1];
  CHECK(hello["name"] == "hello");
  CHECK(hello["component"].get<std::string>().starts_with("/kpkg/store/"));
  CHECK(hello["component"].get<std::string>().ends_with("-hello-0.1.0"));
  CHECK(hello["links"]["greeter"] == "greeter");
  CHECK(hello["grants"] == nlohmann::json{"stdout", "stderr"});
  CHECK(hello["exit"] == "wait");
  CHECK(hello["memoryLimit"] == 0);
  CHECK(hello["module"] == "module.wasm");
}

TEST_CASE("mkSystem refuses what cannot run, by the name of the instance") {
  const std::string a = "{ name = \"a\"; component = \"/kpkg/store/x\"; } ";
  CHECK_THAT(error_of(system_of(a + a)), Contains("instance a: there is another instance of that name"));
  CHECK_THAT(error_of(system_of(a + "{ name = \"b\"; component = \"x\"; links.m = \"c\"; }")),
             Contains("instance b: m is linked to c, which is no instance; before it stand: a"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; links.m = \"a\"; } " + a)),
             Contains("m is linked to a, which comes later; a provider stands before its users"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; links.m = \"b\"; }")),
             Contains("m is linked to the instance itself"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; grants = [ \"stdout\" \"disk\" ]; }")),
             Contains("unknown grant disk; there are stdout, stderr, stdin, clock, random"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; arguments = [ ]; }")),
             Contains("unknown argument arguments; it takes name, component, "));
  CHECK_THAT(error_of(system_of("{ name = \"B_\"; component = \"x\"; }")), Contains("1 to 64 of a-z, 0-9 and -"));
  CHECK_THAT(error_of(system_of("{ component = \"x\"; }")), Contains("instance number 1: missing argument name"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; }")), Contains("missing argument component"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; exit = \"never\"; }")),
             Contains("exit is \"wait\" or \"ignore\""));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; memoryLimit = -1; }")),
             Contains("memoryLimit is a number"));
  CHECK_THAT(error_of(system_of("{ name = \"b\"; component = \"x\"; args = [ 1 ]; }")),
             Contains("args is a list of strings"));
  CHECK_THAT(error_of(system_of("")), Contains("a system needs at least one instance"));
  CHECK_THAT(error_of("kpkgs.mkSystem { instances = [ ]; }"), Contains("missing argument name"));
}

TEST_CASE("mkSystem refuses an instance whose component imports a module that nobody provides") {
  CHECK_THAT(
      error_of(system_of("{ name = \"h\"; component = import (examples + \"/hello/kpkg.nix\") { inherit kpkgs; }; }")),
      Contains("instance h: it imports the module greeter, and links names no instance for it"));
}

TEST_CASE("mkModule refuses unknown, missing and ill-typed arguments by name") {
  CHECK_THAT(error_of(module_of("cFlags = [ ];")), Contains("kpkgs.mkModule (m): unknown argument cFlags; it takes"));
  CHECK_THAT(error_of("(kpkgs.mkModule { name = \"m\"; }).drvPath"), Contains("missing argument version, src"));
  CHECK_THAT(error_of("(kpkgs.mkModule { name = \"M!\"; version = \"1\"; src = ./.; }).drvPath"),
             Contains("name must be"));
  CHECK_THAT(error_of(module_of("exports = \"f\";")), Contains("are lists of strings"));
  CHECK_THAT(error_of(module_of("libc = false;")), Contains("set reactor = true"));
  CHECK_THAT(error_of(module_of(""), ""), Contains("kpkg toolchain import clang"));
  CHECK_THAT(error_of(module_of("sources = [ \"a b.c\" ];")), Contains("sources are C files"));
  CHECK_THAT(error_of(module_of("sources = [ \"a.cpp\" ];")), Contains("sources are C files"));
}

TEST_CASE("a module made by a script gets its manifest and README, and a script that makes none is told so") {
  BuildStore store;
  const fs::path source = store.folder() / "source";
  fs::create_directories(source);
  std::ofstream{source / "made.wasm"} << std::string_view{"\0asm\1\0\0\0", 8};
  std::ofstream{source / "README.md"} << "# it's made\n";
  lang::LocalEvalStore eval_store{store.local};
  lang::Evaluator evaluator{eval_store};
  const auto module = [&](const std::string& script) {
    return evaluator
        .derivation(with_kpkgs(evaluator,
                               "kpkgs.mkModule { name = \"made\"; version = \"1\"; src = " + source.string() +
                                   "; description = \"it's \\\"made\\\"\"; script = \"" + script + "\"; }",
                               store.shell))
        ->drv_path;
  };
  const fs::path out = store.local.physical(store.build_out(module("cp made.wasm $out/module.wasm")).path);
  CHECK(nlohmann::json::parse(contents_of(out / "kpkg.json"))["description"] == "it's \"made\"");
  CHECK(contents_of(out / "README.md") == "# it's made\n");
  CHECK(fs::file_size(out / "module.wasm") == 8);
  CHECK_THAT(store.failure_of(module("true")), Contains("the script made no $out/module.wasm"));
}

// One test, because capturing clang takes the longest part of it.
TEST_CASE("the examples build with the captured clang, the same from two builds, and a broken source shows the "
          "compiler's words") {
  std::error_code absent;
  if (!fs::exists("/usr/bin/clang-22", absent) || !fs::exists("/usr/bin/wasm-ld-22", absent))
    skip("clang-22 or wasm-ld-22 is not installed");
  BuildStore store;
  const std::string clang = import_toolchain(store.local, "clang").path.full();
  lang::LocalEvalStore eval_store{store.local};
  lang::Evaluator evaluator{eval_store};
  std::map<std::string, StorePath> drvs;
  std::vector<BuildTarget> targets;
  for (const char* name : {"greeter", "hello", "crash"}) {
    const auto info = evaluator.derivation(
        with_kpkgs(evaluator, "import (examples + \"/" + std::string{name} + "/kpkg.nix\") { inherit kpkgs; }", clang));
    REQUIRE(info);
    drvs.emplace(name, info->drv_path);
    targets.push_back({info->drv_path, {"out"}});
  }
  const auto result = realise::build(store.local, targets);
  for (const BuiltTarget& target : result.targets) {
    const store::PathInfo& info = target.outputs.at("out");
    CHECK(info.references.empty()); // neither the compiler nor the source
    const fs::path out = store.local.physical(info.path);
    CHECK(contents_of(out / "module.wasm").starts_with(std::string_view{"\0asm\1\0\0\0", 8}));
    CHECK(fs::exists(out / "README.md"));
  }
  const fs::path greeter = store.local.physical(store.out_of(drvs.at("greeter")));
  const auto manifest = nlohmann::json::parse(contents_of(greeter / "kpkg.json"));
  CHECK(manifest["name"] == "greeter");
  CHECK(manifest["kind"] == "module");
  CHECK(manifest["wasi"] == "none");
  CHECK(manifest["exports"] == nlohmann::json{"greet_count", "greet_length", "greet_char", "greet_sum"});
  const auto schema = nlohmann::json::parse(contents_of(source_folder() / "schemas/manifest.schema.json"));
  for (const auto& [key, value] : manifest.items()) CHECK(schema["properties"].contains(key));
  for (const auto& key : schema["required"]) CHECK(manifest.contains(key.get<std::string>()));
  const std::string crash = contents_of(store.local.physical(store.out_of(drvs.at("crash"))) / "module.wasm");
  for (const char* frame : {"store_measurement", "record", "measure"}) CHECK_THAT(crash, Contains(frame));

  BuildOptions check;
  check.check = true;
  CHECK_NOTHROW(realise::build(store.local, targets, check));

  const fs::path source = store.folder() / "source";
  fs::create_directories(source);
  std::ofstream{source / "broken.c"} << "int main(void) { return undeclared; }\n";
  const auto info = evaluator.derivation(with_kpkgs(
      evaluator, "kpkgs.mkModule { name = \"broken\"; version = \"1\"; src = " + source.string() + "; }", clang));
  REQUIRE(info);
  CHECK_THAT(store.failure_of(info->drv_path),
             Contains("broken.c:1:25: error: use of undeclared identifier 'undeclared'"));
}
