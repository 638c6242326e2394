// Fetching from caches that are wrong in some way: every one ends in an error and leaves the store as it was. The cache
// is a folder behind a file: URL; the same bytes over HTTP are tests/e2e/registry_test.py's matter.
#include <new>

#include "store/remote/copy.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <zstd.h>

namespace fs = std::filesystem;
using store::NarInfo;

namespace {

struct Cache {
  fs::path folder = make_folder();
  store::LocalStore local{folder / "root"};
  store::SecretKey key = store::SecretKey::generate("test-1");
  std::string nar;
  NarInfo narinfo = make();

  ~Cache() {
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_directory() && !entry.is_symlink())
        fs::permissions(entry, fs::perms::owner_all, fs::perm_options::add);
    fs::remove_all(folder);
  }

  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "kpkg-cache-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    fs::create_directories(fs::path(name) / "cache" / "nar");
    std::ofstream(fs::path(name) / "cache" / "nix-cache-info") << store::CacheInfo{}.to_string();
    return name;
  }

  NarInfo make() {
    store::NarWriter writer([&](store::Bytes data) -> store::Result<void> {
      nar.append(reinterpret_cast<const char*>(data.data()), data.size());
      return {};
    });
    REQUIRE(writer.file_begin("", false, 6));
    REQUIRE(writer.file_data(store::as_bytes("hello\n")));
    REQUIRE(writer.file_end());
    REQUIRE(writer.finish());
    // A name that the content does not prove, so that only a signature can vouch for it.
    auto path = store::StorePath::parse_base_name("0123456789abcdfghijklmnpqrsvwxyz-hello");
    REQUIRE(path);
    NarInfo made{.info = {.path = *path, .nar_hash = store::hash_text(nar), .nar_size_bytes = nar.size()},
                 .url = "nar/x"};
    made.info.sign(key);
    return made;
  }

  void put(const std::string& name, const std::string& contents) const {
    std::ofstream(folder / "cache" / name) << contents;
  }
  void publish(const std::string& archive) const {
    put("nar/x", archive);
    put(std::string(narinfo.info.path.digest()) + ".narinfo", narinfo.to_string());
  }
  void install() {
    store::BinaryCache cache("file://" + (folder / "cache").string());
    store::install_closure(local, {&cache}, {narinfo.info.path}, {.trusted = {key.public_key()}});
  }
  void check_refused(const std::string& why) {
    CHECK_THROWS_WITH(install(), Catch::Contains(why));
    CHECK(local.query_all().empty());
  }
};

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

} // namespace

TEST_CASE("a signed path is installed from a cache, plain or compressed with zstd") {
  Cache cache;
  cache.narinfo.compression = GENERATE("none", "zstd");
  cache.publish(cache.narinfo.compression == "zstd" ? zstd(cache.nar) : cache.nar);
  cache.install();
  CHECK(cache.local.is_valid(cache.narinfo.info.path));
  CHECK(cache.local.verify(true).empty());
}

TEST_CASE("an archive with a flipped bit is refused") {
  Cache cache;
  cache.nar[100] ^= 1;
  cache.publish(cache.nar);
  cache.check_refused("");
}

TEST_CASE("an archive that is cut off, longer than promised, or not zstd is refused") {
  Cache cache;
  SECTION("cut off") { cache.publish(cache.nar.substr(0, cache.nar.size() / 2)); }
  SECTION("longer") { cache.publish(cache.nar + std::string(8, '\0')); }
  SECTION("a zstd stream that is cut off") {
    cache.narinfo.compression = "zstd";
    cache.publish(zstd(cache.nar).substr(0, 20));
  }
  SECTION("not zstd") {
    cache.narinfo.compression = "zstd";
    cache.publish(cache.nar);
  }
  cache.check_refused("");
}

TEST_CASE("a narinfo that was changed after it was signed is refused, and the keys are named") {
  Cache cache;
  cache.narinfo.info.nar_size_bytes += 8;
  cache.publish(cache.nar);
  cache.check_refused("test-1");
}

TEST_CASE("a compression that is not supported is named") {
  Cache cache;
  cache.narinfo.compression = "br";
  cache.publish(cache.nar);
  cache.check_refused("\"br\"");
}

TEST_CASE("a missing reference stops an installation before anything is registered") {
  Cache cache;
  auto reference = store::StorePath::parse_base_name("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-lost");
  REQUIRE(reference);
  cache.narinfo.info.references.insert(*reference);
  cache.narinfo.info.sign(cache.key);
  cache.publish(cache.nar);
  cache.check_refused("-lost is in none of the caches");
}

TEST_CASE("a narinfo for another path is refused") {
  Cache cache;
  cache.publish(cache.nar);
  auto other = store::StorePath::parse_base_name("00000000000000000000000000000000-other");
  REQUIRE(other);
  cache.put(std::string(other->digest()) + ".narinfo", cache.narinfo.to_string());
  cache.narinfo.info.path = *other;
  cache.check_refused("instead of");
}

TEST_CASE("what is no cache, or one for another store directory, is said so") {
  Cache cache;
  fs::remove(cache.folder / "cache" / "nix-cache-info");
  cache.check_refused("no binary cache");
  cache.put("nix-cache-info", store::CacheInfo{.store_dir = "/nix/store"}.to_string());
  cache.check_refused("/nix/store");
  CHECK_THROWS_WITH(store::BinaryCache("no-url"), Catch::Contains("no URL"));
}
