// narinfo and nix-cache-info: written as Nix writes them, read strictly.
#include <new>

#include "store/format/narinfo.hpp"
#include <catch2/catch.hpp>

using namespace store;

namespace {

const std::string kBase = "00bgd045z0d4icpbc2yyz4gx48ak44la-a";
const std::string kHash = "sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s";
const std::string kMinimal = "StorePath: /kpkg/store/" + kBase +
                             "\nURL: nar/x.nar\nCompression: none\nNarHash: " + kHash +
                             "\nNarSize: 120\nReferences: \n";

std::string message_of(const std::string& text) {
  const Result<NarInfo> result = NarInfo::parse(text);
  return result ? "" : result.error().message;
}

} // namespace

TEST_CASE("a narinfo is read and written the same, empty references with their space") {
  const std::string other = "10bgd045z0d4icpbc2yyz4gx48ak44la-b";
  const std::string text =
      GENERATE_COPY(as<std::string>{}, kMinimal,
                    "StorePath: /kpkg/store/" + kBase + "\nURL: nar/x.nar.zst\nCompression: zstd\nFileHash: " + kHash +
                        "\nFileSize: 100\nNarHash: " + kHash + "\nNarSize: 120\nReferences: " + kBase + " " + other +
                        "\nDeriver: " + other + ".drv\nSig: " + SecretKey::generate("k").sign({}).to_string() +
                        "\nCA: fixed:r:" + kHash + "\n");
  const Result<NarInfo> narinfo = NarInfo::parse(text);
  if (!narinfo) FAIL(narinfo.error().describe("narinfo"));
  CHECK(narinfo->to_string() == text);
}

TEST_CASE("what is not said means what Nix means by it") {
  std::string text = kMinimal;
  text.erase(text.find("Compression"), std::string_view{"Compression: none\n"}.size());
  CHECK(NarInfo::parse(text)->compression == "bzip2");
  text.erase(text.find("References"));
  CHECK(NarInfo::parse(text)->info.references.empty());
  CHECK_FALSE(NarInfo::parse(text + "Deriver: unknown-deriver\n")->info.deriver);
  CHECK(NarInfo::parse(text + "System: x86_64-linux\nWhatever: else\n"));
}

TEST_CASE("the NAR hash is read in all forms and written in one") {
  const Hash hash = hash_text("abc");
  for (const std::string& form : {hash.to_string(), hash.sri(), "sha256:" + hash.base16()}) {
    std::string text = kMinimal;
    text.replace(text.find(kHash), kHash.size(), form);
    CHECK(NarInfo::parse(text)->info.nar_hash == hash);
  }
}

TEST_CASE("each missing key, each key twice and each wrong value is named") {
  const auto without = [](std::string_view key) {
    std::string text = kMinimal;
    const size_t at = text.find(key);
    return text.erase(at, text.find('\n', at) + 1 - at);
  };
  for (const std::string key : {"StorePath", "URL", "NarHash", "NarSize"})
    CHECK(message_of(without(key)) == "\"" + key + "\" is missing");
  for (const std::string& line :
       {"StorePath: /kpkg/store/" + kBase, std::string{"URL: x"}, std::string{"Compression: xz"}, "NarHash: " + kHash,
        std::string{"NarSize: 1"}, std::string{"References: "}})
    CHECK(message_of(kMinimal + line + "\n").ends_with("stands twice"));
  CHECK(message_of(kMinimal + "FileSize: 1\nFileSize: 1\n").ends_with("stands twice"));
  CHECK(message_of(kMinimal + "Deriver: unknown-deriver\nDeriver: unknown-deriver\n").ends_with("stands twice"));
}

TEST_CASE("lines that are not \"Key: value\" are rejected with their place") {
  CHECK(NarInfo::parse(kMinimal + "nonsense\n").error().offset == kMinimal.size());
  CHECK_FALSE(NarInfo::parse(kMinimal + ": x\n"));
  CHECK_FALSE(NarInfo::parse(kMinimal + "System:x\n"));
  CHECK_FALSE(NarInfo::parse(kMinimal + "System: x")); // not ended
  CHECK_FALSE(NarInfo::parse(kMinimal + "\n"));
  CHECK_FALSE(NarInfo::parse(""));
}

TEST_CASE("wrong values are rejected") {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = kMinimal;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text :
       {with("NarSize: 120", "NarSize: 0"), with("NarSize: 120", "NarSize: -1"), with("NarSize: 120", "NarSize: 0120"),
        with("NarSize: 120", "NarSize: 1x"), with("NarSize: 120", "NarSize: 99999999999999999999"),
        with("URL: nar/x.nar", "URL: "), with("sha256:1b8", "sha1:1b8"), with("sha256:1b8", "sha256:eb8"),
        with("References: ", "References: x"), with("References: ", "References: " + kBase + " "),
        with("References: ", "References:  " + kBase), with("References: ", "References: " + kBase + " " + kBase),
        with("/kpkg/store/", "/nix/store/"), kMinimal + "Deriver: " + kBase + "\n", kMinimal + "Sig: nonsense\n",
        kMinimal + "FileHash: nonsense\n"})
    CHECK_FALSE(NarInfo::parse(text));
  CHECK(NarInfo::parse(std::string((4u << 20) + 1, 'x')).error().code == ErrorCode::limit);
}

TEST_CASE("a signature covers path, hash, size and references, and nothing else") {
  const SecretKey key = SecretKey::generate("k");
  PathInfo info = NarInfo::parse(kMinimal)->info;
  CHECK(info.fingerprint() == "1;/kpkg/store/" + kBase + ";" + kHash + ";120;");
  info.sign(key);
  CHECK(info.verify_signatures({key.public_key()}));
  PathInfo changed = info;
  changed.content_address = "x";
  CHECK(changed.verify_signatures({key.public_key()}));
  changed.nar_size_bytes = 121;
  CHECK_FALSE(changed.verify_signatures({key.public_key()}));
  changed = info;
  changed.references.insert(info.path);
  CHECK_FALSE(changed.verify_signatures({key.public_key()}));
  changed.sign(key);
  CHECK(changed.signatures.size() == 1); // replaced
  CHECK(changed.verify_signatures({key.public_key()}));
}

TEST_CASE("only a path that its content address determines vouches for itself") {
  const Hash hash = hash_text("nar");
  PathInfo info{.path = make_source_path("a", hash).value(),
                .nar_hash = hash,
                .nar_size_bytes = 1,
                .content_address = "fixed:r:" + hash.to_string()};
  CHECK(info.is_self_certifying());
  PathInfo other = info;
  other.content_address = "";
  CHECK_FALSE(other.is_self_certifying());
  other = info;
  other.nar_hash = hash_text("other");
  CHECK_FALSE(other.is_self_certifying());
  other = info;
  other.path = make_source_path("b", hash_text("other")).value();
  CHECK_FALSE(other.is_self_certifying());
  other = info;
  other.references.insert(other.path);
  CHECK_FALSE(other.is_self_certifying());
  other = info;
  other.content_address = "text:" + hash.to_string();
  CHECK_FALSE(other.is_self_certifying());
}

TEST_CASE("nix-cache-info is written and read") {
  CHECK(CacheInfo{}.to_string() == "StoreDir: /kpkg/store\nWantMassQuery: 1\nPriority: 40\n");
  const CacheInfo info = CacheInfo::parse("StoreDir: /nix/store\nWantMassQuery: 0\nPriority: 30\nOther: x\n").value();
  CHECK(info.store_dir == "/nix/store");
  CHECK_FALSE(info.want_mass_query);
  CHECK(info.priority == 30);
  CHECK_FALSE(CacheInfo::parse("Priority: 30\n"));
  CHECK_FALSE(CacheInfo::parse("StoreDir: x\n"));
  CHECK_FALSE(CacheInfo::parse("StoreDir: /x\nWantMassQuery: yes\n"));
  CHECK_FALSE(CacheInfo::parse("StoreDir: /x\nPriority: high\n"));
}
