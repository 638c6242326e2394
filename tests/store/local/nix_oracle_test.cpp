// Everything that has to agree with Nix byte for byte, compared with the nix that is installed (2.8 in Debian 12),
// which works in folders of its own with our store directory. Each comparison counts; the last test case demands that
// there were at least fifty.
#include <new>

#include "store/format/encoding.hpp"
#include "store/local/local_store.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

using namespace store;
namespace fs = std::filesystem;

namespace {

int comparisons = 0;

// A nix with all of its state in a temporary folder, and its command line.
class Nix {
public:
  Nix() {
    for (const char* name : {"conf", "home", "cache", "state"}) fs::create_directory(folder_ / name);
    write_file(folder_ / "conf/nix.conf",
               "experimental-features = nix-command\nbuild-users-group =\nsandbox = false\nsubstitute = false\n");
  }
  static bool is_installed() { return std::system("nix --version >/dev/null 2>&1") == 0; }

  // Its standard output, without the last newline. Arguments are shell words.
  std::string run(const std::string& command) const {
    const std::string at = folder_.path().string();
    const std::string full = "env -i PATH=\"$PATH\" NIX_STORE_DIR=/kpkg/store NIX_STATE_DIR=" + at +
                             "/state NIX_LOCALSTATE_DIR=" + at + "/state NIX_LOG_DIR=" + at +
                             "/log NIX_CONF_DIR=" + at + "/conf HOME=" + at + "/home XDG_CACHE_HOME=" + at +
                             "/cache NIX_REMOTE='local?root=" + at + "/root' " + command + " 2>" + at + "/stderr";
    std::string output;
    FILE* pipe = ::popen(full.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> buffer{};
    for (size_t count; (count = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      output.append(buffer.data(), count);
    status_ = ::pclose(pipe);
    if (output.ends_with('\n')) output.pop_back();
    return output;
  }
  std::string ok(const std::string& command) const {
    std::string output = run(command);
    INFO(command << ": " << read_file(folder_ / "stderr"));
    REQUIRE(status_ == 0);
    return output;
  }
  [[nodiscard]] bool succeeded() const { return status_ == 0; }
  [[nodiscard]] fs::path physical(std::string_view full) const {
    return folder_.path() / "root/nix/store" / fs::path{full}.filename();
  }

private:
  TempFolder folder_;
  mutable int status_ = 0;
};

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

template <class A, class B> void same(const A& ours, const B& nixs) {
  ++comparisons;
  CHECK(ours == nixs);
}

std::string dump(const fs::path& path) {
  std::string nar;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    nar.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }};
  dump_path(path, writer);
  unwrap(writer.finish(), "NAR");
  return nar;
}

// Trees that a serialisation can get wrong.
std::vector<fs::path> odd_trees(const TempFolder& folder) {
  const auto at = [&](std::string_view name) { return folder / name; };
  write_file(at("empty"), "");
  write_file(at("seven"), "1234567");
  write_file(at("eight"), "12345678");
  write_file(at("nine"), std::string_view{"1234\0"
                                          "6789",
                                          9});
  write_file(at("exec"), "#!/bin/sh\n", true);
  write_file(at("big"), std::string(300'000, 'b'));
  fs::create_symlink("/somewhere/else", at("link"));
  fs::create_directory(at("nothing"));
  fs::create_directories(at("deep") / "a/b/c/d/e/f/g/h");
  write_file(at("deep") / "a/b/c/d/e/f/g/h/leaf", "x");
  fs::create_directory(at("order"));
  for (const char* name :
       {"a", "A", "a.b", "a-b", "aa", "B", "_", "~", "z", "10", "9", " ", "\xff", "\xc3\xa4", "a b", "new\nline"})
    write_file(at("order") / name, name);
  fs::create_directory(at("order") / "a0");
  fs::create_directory(at("mixed"));
  write_file(at("mixed") / "x", "x", true);
  fs::create_symlink("x", at("mixed") / "dangling\xfe");
  fs::create_directory(at("mixed") / "sub");
  fs::create_directory(at("mixed") / "sub/empty");
  write_file(at("mixed") / "sub/file", std::string(70'000, 'y'));
  std::vector<fs::path> trees;
  for (const fs::directory_entry& entry : fs::directory_iterator{folder.path()}) trees.push_back(entry.path());
  std::ranges::sort(trees);
  return trees;
}

// The visible result of skipping: a line, and the exit status that ctest takes for it.
bool skipped() {
  if (Nix::is_installed()) return false;
  WARN("nix is not installed: not compared with it");
  return true;
}

} // namespace

TEST_CASE("NARs of odd trees are nix's, byte for byte, in both directions") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder folder, work;
  for (const fs::path& tree : odd_trees(folder)) {
    INFO(tree);
    const fs::path nixs = work / "nixs.nar", restored = work / "restored";
    nix.ok("nix-store --dump " + quoted(tree) + " >" + quoted(nixs));
    const std::string nar = dump(tree);
    same(nar, read_file(nixs));
    same(hash_path(tree).first.base16(), nix.ok("nix-hash --type sha256 " + quoted(tree)));
    CHECK(check_nar(as_bytes(nar)));
    // What nix unpacks from ours is what we packed.
    write_file(work / "ours.nar", nar);
    nix.ok("nix-store --restore " + quoted(restored) + " <" + quoted(work / "ours.nar"));
    CHECK(dump(restored) == nar);
    remove_tree(restored);
  }
}

TEST_CASE("added sources have nix's store paths and contents") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder folder, root;
  LocalStore store{root / "root"};
  for (const fs::path& tree : odd_trees(folder)) {
    INFO(tree);
    const PathInfo info = store.add_source(tree, "odd-" + tree.filename().string());
    const std::string nixs = nix.ok("nix-store --add " + quoted(tree));
    // nix-store --add takes the file's own name; the digest depends on the name.
    same(unwrap(make_source_path(tree.filename().string(), info.nar_hash), "path").full(), nixs);
    CHECK(dump(store.physical(info.path)) == dump(nix.physical(nixs)));
  }
}

TEST_CASE("fixed output paths are nix's for every algorithm, flat and recursive") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder folder;
  write_file(folder / "fixed.txt", "contents");
  const std::string nar = dump(folder / "fixed.txt");
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha512}) {
    const std::string name{to_string(algorithm)};
    INFO(name);
    same(make_fixed_output_path("fixed.txt", false, hash_text("contents", algorithm))->full(),
         nix.ok("nix-store --add-fixed " + name + " " + quoted(folder / "fixed.txt")));
    same(make_fixed_output_path("fixed.txt", true, hash_text(nar, algorithm))->full(),
         nix.ok("nix-store --add-fixed --recursive " + name + " " + quoted(folder / "fixed.txt")));
  }
}

TEST_CASE("text paths are nix's, with and without references") {
  if (skipped()) return;
  const Nix nix;
  same("\"" + make_text_path("plain", as_bytes("some text"), {})->full() + "\"",
       nix.ok("nix-instantiate --eval -E 'builtins.toFile \"plain\" \"some text\"'"));
  const StorePath a = make_text_path("a", as_bytes("A"), {}).value(),
                  b = make_text_path("b", as_bytes("B"), {}).value();
  same("\"" + make_text_path("both", as_bytes(a.full() + b.full()), {a, b})->full() + "\"",
       nix.ok("nix-instantiate --eval -E 'builtins.toFile \"both\" \"${builtins.toFile \"a\" \"A\"}${builtins.toFile "
              "\"b\" \"B\"}\"'"));
}

namespace {

// What each expression instantiates to: .drv text, .drv path, output paths, and the same of all its inputs.
const std::vector<std::string> kDerivations = {
    R"(derivation { name = "plain"; system = "x86_64-linux"; builder = "/bin/sh"; })",
    R"(derivation { name = "args"; system = "x"; builder = "b"; args = [ "-c" "echo \"hi\" \\ \t\n\r $out" "" ]; })",
    R"(derivation { name = "outputs"; system = "x"; builder = "b"; outputs = [ "out" "dev" "lib" "a" ]; })",
    R"(derivation { name = "no-out"; system = "x"; builder = "b"; outputs = [ "bin" "dev" ]; })",
    R"(derivation { name = "latin1"; system = "x"; builder = "b"; text = "M\xe4"; utf8 = "Mä→"; })",
    R"(derivation { name = "types"; system = "x"; builder = "b"; t = true; f = false; n = null; i = -3; l = [ 1 "two" [ 3 ] ]; })",
    R"(derivation { name = "flat"; system = "x"; builder = "b"; outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; })",
    R"(derivation { name = "recursive"; system = "x"; builder = "b"; outputHashAlgo = "sha256"; outputHashMode = "recursive"; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; })",
    R"(derivation { name = "sha1"; system = "x"; builder = "b"; outputHashAlgo = "sha1"; outputHashMode = "flat"; outputHash = "a9993e364706816aba3e25717850c26c9cd0d89d"; })",
    R"(derivation { name = "sha512-r"; system = "x"; builder = "b"; outputHash = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="; outputHashMode = "recursive"; })",
    R"(let a = derivation { name = "a"; system = "x"; builder = "b"; outputs = [ "out" "dev" ]; }; in derivation { name = "input"; system = "x"; builder = "b"; inherit a; dev = a.dev; })",
    R"(let s = builtins.toFile "s" "source"; in derivation { name = "src"; system = "x"; builder = s; args = [ s ]; })",
    R"(let f = derivation { name = "f"; system = "x"; builder = "b"; outputHashAlgo = "sha256"; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; }; in derivation { name = "fixed-input"; system = "x"; builder = "b"; inherit f; })",
    // Two fetches of one content: their hashes modulo are equal, and the two inputs become one.
    R"(let f = url: derivation { name = "f"; system = "x"; builder = "b"; inherit url; outputHashAlgo = "sha256"; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; }; in derivation { name = "merged"; system = "x"; builder = "b"; a = f "one"; b = f "two"; })",
    R"(let f = url: derivation { name = "f"; system = "x"; builder = "b"; inherit url; outputHashAlgo = "sha256"; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; }; l = u: derivation { name = "l"; system = "x"; builder = "b"; outputs = [ "out" "doc" ]; f = f u; }; in derivation { name = "merged-outputs"; system = "x"; builder = "b"; a = (l "one").out; b = (l "two").doc; })",
    R"(let d = n: i: derivation { name = n; system = "x"; builder = "b"; inherit i; }; base = d "base" []; left = d "left" [ base ]; right = d "right" [ base ]; in d "diamond" [ left right base ])",
    R"(let d = n: i: derivation { name = "chain-${toString n}"; system = "x"; builder = "b"; inherit i; }; in builtins.foldl' (acc: n: d n acc) "" [ 1 2 3 4 5 6 7 8 9 10 ])",
    R"(derivation { __structuredAttrs = true; name = "structured"; system = "x"; builder = "b"; outputs = [ "out" "dev" ]; list = [ 1 2 ]; set = { a = "b"; }; })",
    R"(derivation { name = "name+-._?="; system = "y"; builder = "b"; "odd key\n" = "v"; })",
    R"(let a = derivation { name = "a"; system = "x"; builder = "b"; }; in derivation { name = "by-drv"; system = "x"; builder = "b"; drv = a.drvPath; })",
};

} // namespace

TEST_CASE("derivations have nix's text, nix's .drv paths and nix's output paths") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder work;
  DerivationHashes hashes{[&](const StorePath& path) -> Result<Derivation> {
    std::string_view name = path.name();
    name.remove_suffix(4);
    return Derivation::parse(read_file(nix.physical(path.full())), name);
  }};
  for (const std::string& expression : kDerivations) {
    INFO(expression);
    std::string source = expression;
    if (const size_t at = source.find(R"(\xe4)"); at != std::string::npos)
      source.replace(at, 4, "\xe4"); // Nix has no such escape
    write_file(work / "default.nix", source);
    std::string printed = nix.ok("nix-instantiate " + quoted(work / "default.nix"));
    printed.resize(std::min(printed.find('!'), printed.size())); // «!ID» follows when the first output is not "out"
    const StorePath drv_path = unwrap(StorePath::parse(printed), "drv");
    const std::string text = read_file(nix.physical(drv_path.full()));
    std::string_view name = drv_path.name();
    name.remove_suffix(4);
    Result<Derivation> parsed = Derivation::parse(text, name);
    if (!parsed) FAIL(parsed.error().describe("drv"));
    same(parsed->to_aterm(), text);
    same(parsed->drv_path().value(), drv_path);
    Derivation blank = *parsed;
    for (auto& [id, output] : blank.outputs) {
      output.path.reset();
      if (blank.env.contains(id)) blank.env[id] = "";
    }
    Result<void> filled = hashes.fill_output_paths(blank);
    if (!filled) FAIL(filled.error().describe("outputs"));
    for (const auto& [id, output] : parsed->outputs) same(blank.outputs[id].path->full(), output.path->full());
    if (!expression.contains("__structuredAttrs")) CHECK(blank == *parsed);
  }
}

TEST_CASE("a .drv added to our store is the file that nix wrote") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder folder;
  LocalStore store{folder / "root"};
  Derivation drv{.name = "added", .system = "x", .builder = "b"};
  drv.outputs["out"] = {};
  DerivationHashes hashes{[&](const StorePath& path) -> Result<Derivation> { return store.read_derivation(path); }};
  unwrap(hashes.fill_output_paths(drv), "outputs");
  drv.env.insert({{"builder", "b"}, {"name", "added"}, {"system", "x"}});
  unwrap(hashes.fill_output_paths(drv), "outputs");
  const StorePath path = store.add_derivation(drv);
  same(path.full(), nix.ok(R"(nix-instantiate -E 'derivation { name = "added"; system = "x"; builder = "b"; }')"));
  same(read_file(store.physical(path)), read_file(nix.physical(path.full())));
  CHECK(store.read_derivation(path) == drv);
}

TEST_CASE("nix32 digits are nix-hash's") {
  if (skipped()) return;
  const Nix nix;
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha512}) {
    const Hash hash = hash_text("whatever", algorithm);
    const std::string type = " --type " + std::string{to_string(algorithm)} + " ";
    same(hash.nix32(), nix.ok("nix-hash --to-base32" + type + hash.base16()));
    same(hash.base16(), nix.ok("nix-hash --to-base16" + type + hash.nix32()));
    same(hash.sri(), nix.ok("nix hash to-sri" + type + hash.base16()));
  }
}

TEST_CASE("keys made by nix sign for us, and keys made by us for nix") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder work;
  const SecretKey theirs = unwrap(SecretKey::parse(nix.ok("nix key generate-secret --key-name theirs-1")), "key");
  write_file(work / "theirs", theirs.to_string());
  same(theirs.public_key().to_string(), nix.ok("nix key convert-secret-to-public <" + quoted(work / "theirs")));
  const SecretKey ours = SecretKey::generate("ours-1");
  write_file(work / "ours", ours.to_string());
  same(ours.public_key().to_string(), nix.ok("nix key convert-secret-to-public <" + quoted(work / "ours")));
}

TEST_CASE("a binary cache that nix wrote and signed is read, verified and rewritten the same") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder work;
  const SecretKey key = SecretKey::generate("cache-1");
  write_file(work / "key", key.to_string());
  fs::create_directory(work / "tree");
  write_file(work / "tree/file", "hello");
  const std::string path = nix.ok("nix-store --add " + quoted(work / "tree"));
  write_file(work / "expr.nix",
             R"(builtins.toFile "refers" "${builtins.toFile "one" "1"} ${builtins.toFile "two" "2"}")");
  const std::string refers = nix.ok("nix-instantiate --eval --read-write-mode " + quoted(work / "expr.nix"));
  const std::string second = refers.substr(1, refers.size() - 2);
  nix.ok("nix store sign --recursive --key-file " + quoted(work / "key") + " " + path + " " + second);
  nix.ok("nix copy --to 'file://" + (work / "cache").string() + "?compression=none' " + path + " " + second);

  const CacheInfo cache = unwrap(CacheInfo::parse(read_file(work / "cache/nix-cache-info")), "nix-cache-info");
  same(cache.store_dir, std::string{kStoreDir});
  int seen = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator{work / "cache"}) {
    if (entry.path().extension() != ".narinfo") continue;
    ++seen;
    const std::string text = read_file(entry.path());
    INFO(text);
    Result<NarInfo> narinfo = NarInfo::parse(text);
    if (!narinfo) FAIL(narinfo.error().describe("narinfo"));
    same(narinfo->to_string(), text);
    const Result<void> verified = narinfo->info.verify_signatures({key.public_key()});
    if (!verified) FAIL(verified.error().describe("signature"));
    ++comparisons;
    CHECK_FALSE(narinfo->info.verify_signatures({SecretKey::generate("cache-1").public_key()}));
    same(hash_text(read_file(work / "cache" / narinfo->url)), narinfo->info.nar_hash);
    same(narinfo->info.is_self_certifying(), narinfo->info.path.full() == path);
    // Signing the same fact gives the same signature: Ed25519 is deterministic.
    PathInfo again = narinfo->info;
    again.signatures.clear();
    again.sign(key);
    same(again.signatures, narinfo->info.signatures);
  }
  CHECK(seen == 4);
}

TEST_CASE("nix copies from a cache that we wrote and signed, and from no other") {
  if (skipped()) return;
  const TempFolder work;
  LocalStore store{work / "root"};
  const SecretKey key = SecretKey::generate("our-cache-1");
  // An input-addressed path, which is nothing without its signature.
  const StorePath dependency = store.add_text("dependency", "d").path;
  Derivation drv{.name = "built", .system = "x", .builder = "b"};
  drv.outputs["out"] = {};
  const StorePath drv_path = store.add_derivation(drv);
  fs::create_directory(work / "output");
  write_file(work / "output/file", "refers to " + dependency.full());
  write_file(work / "output/program", "#!", true);
  add_outputs(store, drv_path, {{"out", work / "output"}}, {dependency});
  fs::create_directories(work / "cache/nar");
  write_file(work / "cache/nix-cache-info", CacheInfo{}.to_string());
  const StorePath built = *drv.outputs["out"].path;
  CHECK(store.query(built)->references == StorePathSet{dependency});
  for (const StorePath& path : {dependency, built}) {
    NarInfo narinfo{.info = store.query(path).value(), .url = "nar/" + path.base_name() + ".nar"};
    narinfo.info.sign(key);
    write_file(work / "cache" / narinfo.url, dump(store.physical(path)));
    write_file(work / "cache" / (std::string{path.digest()} + ".narinfo"), narinfo.to_string());
  }
  const std::string copy = "nix copy --from 'file://" + (work / "cache").string() + "' " + built.full();
  const auto with_key = [](const SecretKey& trusted) {
    return " --option trusted-public-keys '" + trusted.public_key().to_string() + "'";
  };
  {
    const Nix nix;
    nix.ok(copy + with_key(key));
    same(dump(nix.physical(built.full())), dump(store.physical(built)));
    nix.ok("nix store verify --trusted-public-keys '" + key.public_key().to_string() + "' " + built.full());
    ++comparisons;
  }
  const Nix other;
  other.run(copy + with_key(SecretKey::generate("our-cache-1")));
  ++comparisons;
  CHECK_FALSE(other.succeeded());
}

TEST_CASE("what nix rejects in a NAR, the reader rejects") {
  if (skipped()) return;
  const Nix nix;
  const TempFolder work;
  fs::create_directory(work / "tree");
  write_file(work / "tree/aa", "1");
  write_file(work / "tree/bb", "2");
  const std::string good = dump(work / "tree");
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string nar = good;
    nar.replace(nar.find(from), from.size(), to);
    return nar;
  };
  for (const std::string& bad : {changed("bb", "aa"), changed("aa", "cc"), changed("bb", ".."), changed("aa", "a/"),
                                 changed("regular", "irregul"), changed("nix-archive-1", "nix-archive-2"),
                                 changed("contents", "contentz"), good.substr(0, good.size() - 8)}) {
    write_file(work / "bad.nar", bad);
    nix.run("nix-store --restore " + quoted(work / "out") + " <" + quoted(work / "bad.nar"));
    if (nix.succeeded()) continue; // 2.8 is laxer than the nix of today
    ++comparisons;
    CHECK_FALSE(check_nar(as_bytes(bad)));
    remove_tree(work / "out");
  }
}

TEST_CASE("at least fifty cases were compared with nix") {
  if (skipped()) return;
  CHECK(comparisons >= 50);
  WARN(comparisons << " comparisons with nix");
}
