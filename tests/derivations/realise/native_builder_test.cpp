// Single builds: what a builder sees, what is checked of its outputs, how failures read.
#include "tests/derivations/realise/build_fixture.hpp"

using namespace realise;
using namespace realise::test;
using Catch::Contains;

namespace {
std::function<void(Derivation&)> fixed(const std::string& method_algorithm, const std::string& hash_base16) {
  return [=](Derivation& drv) {
    drv.outputs["out"].method_algorithm = method_algorithm;
    drv.outputs["out"].hash_base16 = hash_base16;
  };
}
std::function<void(Derivation&)> variable(const std::string& name, const std::string& value) {
  return [=](Derivation& drv) { drv.env[name] = value; };
}
} // namespace

TEST_CASE("a builder sees its inputs and outputs, and nothing else of the host") {
  BuildStore store;
  const auto other = store.local.add_text("not-an-input", "secret");
  const auto input = store.local.add_text("an-input", "text");
  const std::string seen = store.result_of(
      "for folder in / /kpkg /kpkg/store /build /tmp /etc; do echo \"$folder:\"; ls $folder; done > $out",
      [&](Derivation& drv) {
        drv.input_srcs.insert(input.path);
        drv.env["input"] = input.path.full();
      });
  const auto shell = store::unwrap(StorePath::parse(store.shell), store.shell);
  std::vector<std::string> paths{shell.base_name(), input.path.base_name()};
  std::istringstream lines{seen};
  std::vector<std::string> listed;
  bool in_store = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(':'))
      in_store = line == "/kpkg/store:";
    else if (in_store && !line.ends_with("-result"))
      listed.push_back(line);
  }
  std::ranges::sort(paths);
  CHECK(listed == paths);
  CHECK(seen.starts_with(
      "/:\nbin\nbuild\ndev\netc\nkpkg\nkpkg-toolchain.json\nlib\nlib64\nproc\ntmp\nusr\n/kpkg:\nstore\n"));
  CHECK_THAT(seen, Contains("/build:\n/tmp:\n/etc:\ngroup\nhosts\npasswd\n"));
  CHECK_THAT(seen, !Contains(other.path.base_name()));
}

TEST_CASE("inputs cannot be changed by a builder") {
  BuildStore store;
  const auto input = store.local.add_text("an-input", "text");
  const auto tree = store.folder() / "tree";
  fs::create_directories(tree);
  std::ofstream{tree / "file"} << "original";
  const auto source = store.local.add_source(tree, "tree");
  CHECK(store.result_of("(echo x > $input) 2>/dev/null || echo refused >> $out\n"
                        "(echo x > $tree/file) 2>/dev/null || echo refused >> $out\n"
                        "(echo x > $tree/new) 2>/dev/null || echo refused >> $out\n"
                        "rm -f $input 2>/dev/null || echo refused >> $out\n",
                        [&](Derivation& drv) {
                          drv.input_srcs.insert({input.path, source.path});
                          drv.env["input"] = input.path.full();
                          drv.env["tree"] = source.path.full();
                        }) == "refused\nrefused\nrefused\nrefused\n");
  CHECK(contents_of(store.local.physical(source.path) / "file") == "original");
}

TEST_CASE("the environment is the derivation's, over fixed defaults") {
  BuildStore store;
  ::setenv("KPKG_TEST_LEAK", "leaked", 1);
  const std::string seen = store.result_of("export -p | cut -d' ' -f2- | sort > $out", [&](Derivation& drv) {
    drv.env["greeting"] = "two\twords";
    drv.env["HOME"] = "/elsewhere";
  });
  CHECK_THAT(seen, Contains("greeting='two\twords'\n") && Contains("HOME='/elsewhere'\n"));
  CHECK_THAT(seen, Contains("NIX_BUILD_TOP='/build'\n") && Contains("KPKG_BUILD_TOP='/build'\n"));
  CHECK_THAT(seen, Contains("NIX_STORE='/kpkg/store'\n") && Contains("TMPDIR='/build'\n"));
  CHECK_THAT(seen, Contains("TZ='UTC'\n") && Contains("SOURCE_DATE_EPOCH='1'\n") && Contains("PATH='/bin'\n"));
  CHECK_THAT(seen, !Contains("KPKG_TEST_LEAK"));
}

TEST_CASE("passAsFile puts a value into a file, however large") {
  BuildStore store;
  CHECK(store.result_of("wc -c < $bigPath > $out; test -z \"${big-}\"", [&](Derivation& drv) {
    drv.env["big"] = std::string(300000, 'x');
    drv.env["passAsFile"] = "big";
  }) == "300000\n");
}

TEST_CASE("a failing builder's error shows its status, the end of its log and where the whole log is") {
  BuildStore store;
  const auto drv = store.derivation("broken", "i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; exit 7");
  const std::string message = store.failure_of(drv);
  CHECK_THAT(message, Contains("building “broken” failed: its builder exited with status 7"));
  CHECK_THAT(message, Contains("| line 29") && Contains("| line 10\n") && !Contains("| line 9\n"));
  CHECK_THAT(message, Contains(store.local.log_path(drv).string()));
  CHECK_THAT(store.hint, Contains("kpkg log " + drv.full()));
  CHECK(contents_of(store.local.log_path(drv)).starts_with("line 0\nline 1\n"));
  CHECK_FALSE(store.local.is_valid(store.out_of(drv)));
}

TEST_CASE("control characters in a log do not reach the error message") {
  BuildStore store;
  CHECK_THAT(store.failure_of(store.derivation("evil", "printf '\\033[2Jboo\\n'; exit 1")), Contains("| \\x1b[2Jboo"));
}

TEST_CASE("a builder ended by a signal is told as that") {
  BuildStore store;
  CHECK_THAT(store.failure_of(store.derivation("killed", "kill -ABRT $$")), Contains("ended by signal 6 (Aborted)"));
}

TEST_CASE("a builder that makes no output has failed, and no output of it becomes valid") {
  BuildStore store;
  const auto drv = store.derivation("lazy", "mkdir $out; echo done", [](Derivation& d) { d.outputs["dev"] = {}; });
  const std::string message = store.failure_of(drv);
  CHECK_THAT(message, Contains("did not make the output “dev” (" + store.out_of(drv, "dev").full() + ")"));
  CHECK_FALSE(store.local.is_valid(store.out_of(drv)));
}

TEST_CASE("an output may be a symbolic link, and stays one") {
  BuildStore store;
  const auto info = store.build_out(store.derivation("link", "ln -s /nowhere $out"));
  CHECK(fs::read_symlink(store.local.physical(info.path)) == "/nowhere");
}

TEST_CASE("outputs refer to what they name, and to each other") {
  BuildStore store;
  const auto dep = store.local.add_text("dependency", "d");
  const auto unused = store.local.add_text("unused", "u");
  const auto drv =
      store.derivation("two", "mkdir $out $dev; echo $dep > $out/a; ln -s $out $dev/b", [&](Derivation& d) {
        d.outputs["dev"] = {};
        d.input_srcs.insert({dep.path, unused.path});
        d.env["dep"] = dep.path.full();
        d.env["unused"] = unused.path.full();
      });
  const auto result = realise::build(store.local, {{drv, {}}});
  const auto& outputs = result.targets.at(0).outputs;
  CHECK(outputs.at("out").references == store::StorePathSet{dep.path});
  CHECK(outputs.at("dev").references == store::StorePathSet{outputs.at("out").path});
  CHECK(outputs.at("out").deriver == drv);
}

TEST_CASE("allowedReferences and disallowedReferences refuse an output that names what it must not") {
  BuildStore store;
  const auto dep = store.local.add_text("dependency", "d");
  const auto with = [&](const std::string& name, const std::string& value) {
    return [&, name, value](Derivation& d) {
      d.input_srcs.insert(dep.path);
      d.env["dep"] = dep.path.full();
      d.env[name] = value;
    };
  };
  CHECK_THAT(store.failure_of(store.derivation("a", "echo $dep > $out", with("allowedReferences", ""))),
             Contains("refers to " + dep.path.full() + ", which is not in allowedReferences"));
  CHECK_THAT(store.failure_of(store.derivation("b", "echo $dep > $out", with("disallowedReferences", dep.path.full()))),
             Contains("which is in disallowedReferences"));
  CHECK_THAT(store.failure_of(store.derivation("c", "echo $dep > $out", with("allowedReferences", dep.path.full()))),
             Contains("it did not fail"));
  CHECK_THAT(store.failure_of(store.derivation("d", "echo $out > $out", with("allowedReferences", "out"))),
             Contains("it did not fail"));
}

TEST_CASE("a fixed output with the promised hash is accepted, flat and recursive") {
  BuildStore store;
  // sha256sum of «fixed\n»; `nix-hash --type sha256 FOLDER` of a folder that holds it as «a»
  const std::string flat = "0c3071418e6356e614898c84ed064ca95e88551bc0811b534bdf1952ecdae534",
                    recursive = "c61ba3b15cb4d619824baba1b5291cef299e506731b1a21a6462a8d081789930";
  const auto file = store.build_out(store.derivation("fixed", "echo fixed > $out", fixed("sha256", flat)));
  CHECK(file.content_address == "fixed:sha256:" + store::hash_text("fixed\n").nix32());
  const auto tree =
      store.build_out(store.derivation("tree", "mkdir $out; echo fixed > $out/a", fixed("r:sha256", recursive)));
  CHECK(tree.content_address == "fixed:r:" + tree.nar_hash.to_string());
  CHECK(tree.is_self_certifying());
}

TEST_CASE("a fixed output with another hash is refused, and the error shows both") {
  BuildStore store;
  const auto promised = store::hash_text("promised\n"), built = store::hash_text("built\n");
  const auto drv = store.derivation("fixed", "echo built > $out", fixed("sha256", promised.base16()));
  const std::string message = store.failure_of(drv);
  CHECK_THAT(message, Contains("promised: " + promised.sri()) && Contains("built:    " + built.sri()));
  CHECK_FALSE(store.local.is_valid(store.out_of(drv)));
}

TEST_CASE("a flat fixed output must be a plain file") {
  BuildStore store;
  CHECK_THAT(store.failure_of(store.derivation("f", "mkdir $out", fixed("sha256", store::hash_text("").base16()))),
             Contains("not a plain, non-executable file"));
}

TEST_CASE("only a fixed-output derivation has the network") {
  BuildStore store;
  const std::string count = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | tr '\\n' ' ' ";
  CHECK(store.result_of(count + "> $out") == "lo ");
  CHECK(store.result_of("cat /proc/sys/kernel/hostname > $out") == "localhost\n");
  CHECK_THAT(store.failure_of(store.derivation("net", "ls -l /proc/self/ns/net; exit 1")), Contains("net:["));
}

TEST_CASE("what this builder does not do is refused before anything runs") {
  BuildStore store;
  CHECK_THAT(store.failure_of(store.derivation("a", "", [](Derivation& d) { d.system = "aarch64-linux"; })),
             Contains("for the system “aarch64-linux”"));
  CHECK_THAT(store.failure_of(store.derivation("b", "", [](Derivation& d) { d.builder = "builtin:fetchurl"; })),
             Contains("there is no builder builtin:fetchurl"));
  CHECK_THAT(store.failure_of(store.derivation("c", "", [](Derivation& d) { d.builder = "bash"; })),
             Contains("not an absolute path"));
  CHECK_THAT(store.failure_of(store.derivation("d", "", variable("__json", "{}"))), Contains("__structuredAttrs"));
}

TEST_CASE("a sandboxRoot that is no input, or a builder that is not there, is explained") {
  BuildStore store;
  CHECK_THAT(store.failure_of(store.derivation("a", "", [](Derivation& d) { d.input_srcs.clear(); })),
             Contains("is not an input of the derivation"));
  CHECK_THAT(store.failure_of(store.derivation("b", "", variable("sandboxRoot", ""))),
             Contains("its builder /bin/sh cannot be executed"));
  CHECK_THAT(store.hint, Contains("sandboxRoot"));
  CHECK_THAT(store.failure_of(store.derivation("c", "", [](Derivation& d) { d.builder = "/bin/nothing"; })),
             Contains("its builder /bin/nothing cannot be executed"));
}

TEST_CASE("limits end a build with a message that names them") {
  BuildStore store;
  BuildOptions options;
  options.limits.timeout = std::chrono::seconds{1};
  CHECK_THAT(store.failure_of(store.derivation("slow", "sleep 50"), options), Contains("more than 1 s"));
  options = {};
  options.limits.max_output_bytes = 1000;
  CHECK_THAT(store.failure_of(store.derivation("loud", "while :; do echo x; done"), options),
             Contains("more than 1000 bytes"));
}

TEST_CASE("keep_failed leaves the build folder and says where") {
  BuildStore store;
  BuildOptions options;
  options.keep_failed = true;
  const std::string message = store.failure_of(store.derivation("kept", "echo evidence > file; exit 1"), options);
  CHECK_THAT(message, Contains("var/failed/kept-1"));
  CHECK(contents_of(store.local.root() / "var/failed/kept-1/build/file") == "evidence\n");
  static_cast<void>(store.failure_of(store.derivation("gone", "echo evidence > file; exit 1")));
  CHECK_FALSE(fs::exists(store.local.root() / "var/failed/gone-1"));
  CHECK(fs::is_empty(store.local.root() / "var/builds"));
}

TEST_CASE("a second build to check finds what depends on the moment, and where") {
  BuildStore store;
  BuildOptions check;
  check.check = true;
  const auto honest = store.derivation("honest", "mkdir $out; echo always > $out/a");
  CHECK_THAT(store.failure_of(honest, check), Contains("is not in the store to compare with"));
  static_cast<void>(store.build_out(honest));
  CHECK_THAT(store.failure_of(honest, check), Contains("it did not fail"));
  const auto fickle =
      store.derivation("fickle", "mkdir $out; echo always > $out/a; cat /proc/uptime > $out/b; sleep 0.02");
  const auto info = store.build_out(fickle);
  const std::string message = store.failure_of(fickle, check);
  CHECK_THAT(message, Contains("“fickle” is not reproducible"));
  CHECK_THAT(message, Contains("differs:      b") && !Contains("differs:      a"));
  CHECK_THAT(message, Contains(info.nar_hash.to_string()));
  CHECK(store.local.query(info.path)->nar_hash == info.nar_hash);
}

TEST_CASE("folders that their owner may not write are removed all the same") {
  BuildStore store;
  static_cast<void>(store.failure_of(store.derivation("mean", "mkdir a; echo x > a/b; chmod 000 a; exit 1")));
  CHECK(fs::is_empty(store.local.root() / "var/builds"));
}
