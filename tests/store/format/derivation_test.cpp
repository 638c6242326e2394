// The text of derivations: what is written, and that nothing else is read. Paths and hashes are compared with nix in
// store/local/nix_oracle_test.
#include <new>

#include "store/format/derivation.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {

const std::string kA = "/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a";
const std::string kB = "/kpkg/store/10bgd045z0d4icpbc2yyz4gx48ak44la-b";

std::string text(std::string_view outputs, std::string_view inputs = "[]", std::string_view sources = "[]",
                 std::string_view rest = R"("s","b",[],[])") {
  return "Derive(" + std::string{outputs} + "," + std::string{inputs} + "," + std::string{sources} + "," +
         std::string{rest} + ")";
}
const std::string kOut = R"([("out",")" + kA + R"(","","")])";

Result<Derivation> parse(const std::string& aterm) { return Derivation::parse(aterm, "x"); }

} // namespace

TEST_CASE("a derivation's text is read and written the same") {
  const std::string aterm =
      GENERATE(as<std::string>{}, text(kOut), text(R"([("dev","","",""),("out","","","")])"),
               text(kOut, R"([(")" + kA + R"(.drv",["dev","out"]),(")" + kB + R"(.drv",["out"])])",
                    "[\"" + kA + "\",\"" + kB + "\"]",
                    R"("system","/bin/sh",["-c","a\"b\\c\nd\re\tf"],[("A",""),("B","ü)"
                    "\xff"
                    R"(")])"),
               text(R"([("out",")" + kA + R"(","sha1","a9993e364706816aba3e25717850c26c9cd0d89d")])"),
               text(R"([("out","","r:sha256","")])"));
  const Result<Derivation> drv = parse(aterm);
  if (!drv) FAIL(drv.error().describe("drv"));
  CHECK(drv->to_aterm() == aterm);
}

TEST_CASE("texts that are not exactly a derivation's are rejected") {
  const std::string aterm = GENERATE(
      as<std::string>{}, "", "Derive", "Derive(", text(kOut) + " ", " " + text(kOut),
      text(kOut).substr(0, text(kOut).size() - 1),
      text("[]"),                                                                 // no output
      text(R"([("","","","")])"),                                                 // an output without a name
      text(R"([("out","","",""),("dev","","","")])"),                             // out of order
      text(R"([("out","","",""),("out","","","")])"),                             // twice
      text(R"([("out","","","") ])"),                                             // a space
      text(R"([("out","/nix/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a","","")])"), // another store
      text(R"([("out","relative","","")])"),
      text(R"([("out",")" + kA + R"(","","00")])"),       // a hash without algorithm
      text(R"([("out",")" + kA + R"(","sha256","00")])"), // too short
      text(R"([("out",")" + kA + R"(","sha1","A9993E364706816ABA3E25717850C26C9CD0D89D")])"), // capital digits
      text(R"([("out","","sha1","a9993e364706816aba3e25717850c26c9cd0d89d")])"),              // fixed without a path
      text(R"([("out",")" + kA + R"(","r:sha256","")])"),                                     // floating with a path
      text(R"([("out","","crc32","")])"), text(kOut, R"([(")" + kA + R"(",["out"])])"), // an input that is no .drv
      text(kOut, R"([(")" + kB + R"(.drv",["out"]),(")" + kA + R"(.drv",["out"])])"),
      text(kOut, R"([(")" + kA + R"(.drv",["out","dev"])])"), text(kOut, "[]", "[\"" + kB + "\",\"" + kA + "\"]"),
      text(kOut, "[]", "[\"" + kA + "\",\"" + kA + "\"]"), text(kOut, "[]", "[]", R"("s","b",[],[("B",""),("A","")])"),
      text(kOut, "[]", "[]", R"("s","b",[],[("A",""),("A","")])"), text(kOut, "[]", "[]", R"("s","b",["\x"],[])"),
      text(kOut, "[]", "[]", R"("s","b",["\)"), text(kOut, "[]", "[]", "\"s\",\"b\",[\"a\nb\"],[]"),
      text(kOut, "[]", "[]", R"("s","b",[,],[])"), text(kOut, "[]", "[]", R"("s","b",["a",],[])"),
      text(kOut, "[]", "[]", R"("s","b",["a" "b"],[])"));
  INFO(aterm);
  CHECK_FALSE(parse(aterm));
}

TEST_CASE("kinds of derivations that are not supported are named") {
  CHECK(parse("DrvWithVersion(\"xp-dyn-drv\",[])").error().code == ErrorCode::unsupported);
  CHECK(parse(text(R"([("out","","r:sha256","impure")])")).error().code == ErrorCode::unsupported);
  CHECK(parse(text(R"([("out","","text:sha256","")])")).error().code == ErrorCode::unsupported);
}

TEST_CASE("an error in a derivation has its place") {
  const Result<Derivation> result = parse("Derive([(\"out\",oops");
  REQUIRE_FALSE(result);
  CHECK(result.error().describe("x.drv") == "x.drv, byte 15: expected \"\"\" but found \"oops\"");
}

TEST_CASE("masking empties the outputs' paths and the variables named after them") {
  const Derivation drv = parse(text(kOut, "[]", "[]", R"("s","b",[],[("o","1"),("out",")" + kA + "\")]")).value();
  CHECK(drv.to_aterm(kStoreDir, true) ==
        text(R"([("out","","","")])", "[]", "[]", R"("s","b",[],[("o","1"),("out","")])"));
}

TEST_CASE("a chain of 20,000 derivations is hashed without recursion") {
  std::map<StorePath, Derivation> all;
  std::optional<StorePath> last;
  for (int i = 0; i < 20'000; ++i) {
    Derivation drv{.name = "d" + std::to_string(i), .system = "s", .builder = "b"};
    drv.outputs["out"] = {.path = StorePath::parse(kA).value()};
    if (last) drv.input_drvs[*last] = {"out"};
    last = drv.drv_path().value();
    all.emplace(*last, drv);
  }
  size_t loads = 0;
  DerivationHashes hashes{[&](const StorePath& path) -> Result<Derivation> {
    ++loads;
    return all.at(path);
  }};
  Derivation top{.name = "top", .system = "s", .builder = "b"};
  top.outputs["out"] = {};
  top.input_drvs[*last] = {"out"};
  CHECK(hashes.fill_output_paths(top));
  CHECK(hashes.fill_output_paths(top));
  CHECK(loads == 20'000); // each once, also for the second time
}

TEST_CASE("derivations that claim to depend on themselves are refused, not followed") {
  Derivation drv{.name = "d", .system = "s", .builder = "b"};
  drv.outputs["out"] = {.path = StorePath::parse(kA).value()};
  drv.input_drvs[StorePath::parse(kA + ".drv").value()] = {"out"};
  DerivationHashes hashes{[&](const StorePath&) -> Result<Derivation> { return drv; }};
  CHECK(hashes.hash_modulo(drv).error().message.ends_with("depends on itself"));
}

TEST_CASE("an input that cannot be loaded is the error of who asked") {
  Derivation drv{.name = "d", .system = "s", .builder = "b"};
  drv.outputs["out"] = {};
  drv.input_drvs[StorePath::parse(kA + ".drv").value()] = {"out"};
  DerivationHashes hashes{
      [&](const StorePath&) -> Result<Derivation> { return std::unexpected(Error{ErrorCode::invalid, "gone"}); }};
  CHECK(hashes.fill_output_paths(drv).error().message == "gone");
}

TEST_CASE("floating outputs have no path before they are built") {
  Derivation drv{.name = "d", .system = "s", .builder = "b"};
  drv.outputs["out"] = {.method_algorithm = "r:sha256"};
  DerivationHashes hashes{[&](const StorePath&) -> Result<Derivation> { return drv; }};
  CHECK(hashes.fill_output_paths(drv).error().code == ErrorCode::unsupported);
}

TEST_CASE("a remembered derivation is not loaded") {
  Derivation input{.name = "input", .system = "s", .builder = "b"};
  input.outputs["out"] = {};
  DerivationHashes hashes{
      [](const StorePath&) -> Result<Derivation> { return std::unexpected(Error{ErrorCode::invalid, "loaded"}); }};
  REQUIRE(hashes.fill_output_paths(input));
  const StorePath path = input.drv_path().value();
  REQUIRE(hashes.remember(path, input));
  Derivation drv{.name = "d", .system = "s", .builder = "b"};
  drv.outputs["out"] = {};
  drv.input_drvs[path] = {"out"};
  CHECK(hashes.fill_output_paths(drv));
}
