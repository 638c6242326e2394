// The contracts of storage/blobs.hpp and storage/catalog.hpp, against every implementation.
#include "registry-server/storage/folder_blobs.hpp"
#include "registry-server/storage/sqlite_catalog.hpp"
#include "tests/registry-server/memory_storage.hpp"
#include "tests/registry-server/temporary_folder.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

using namespace registry;
namespace fs = std::filesystem;

namespace {

BlobId put(Blobs& blobs, std::string_view text) {
  const auto writer = blobs.begin();
  writer->write(store::as_bytes(text));
  return writer->commit();
}

std::string content(Blobs& blobs, const store::Hash& hash) {
  const auto blob = blobs.open(hash);
  REQUIRE(blob);
  const std::string text = store::read_all(blob->file.get(), "blob");
  CHECK(text.size() == blob->size_bytes);
  return text;
}

void check_blobs(Blobs& blobs) {
  const std::string text = "forty-two";
  const store::Hash hash = store::hash_text(text);
  CHECK_FALSE(blobs.open(hash));
  CHECK_FALSE(blobs.exists(hash));
  { // a writer that goes leaves nothing
    const auto writer = blobs.begin();
    writer->write(store::as_bytes(text));
    CHECK_FALSE(blobs.exists(hash));
  }
  CHECK_FALSE(blobs.exists(hash));

  const auto writer = blobs.begin();
  writer->write(store::as_bytes("forty"));
  writer->write({});
  writer->write(store::as_bytes("-two"));
  CHECK(writer->commit() == BlobId{hash, text.size()});
  CHECK(blobs.exists(hash));
  CHECK(content(blobs, hash) == text);

  CHECK(put(blobs, text).hash == hash); // again
  CHECK(content(blobs, hash) == text);
  CHECK(content(blobs, put(blobs, "").hash).empty());

  const auto open = blobs.open(hash);
  CHECK(blobs.remove(hash));
  CHECK(store::read_all(open->file.get(), "blob") == text);
  CHECK_FALSE(blobs.remove(hash));
  CHECK_FALSE(blobs.exists(hash));

  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&blobs, i] {
      for (int n = 0; n < 20; ++n) {
        put(blobs, "shared " + std::to_string(n));
        put(blobs, "own " + std::to_string(i));
      }
    });
  for (auto& thread : writers) thread.join();
  for (int n = 0; n < 20; ++n) {
    const std::string shared = "shared " + std::to_string(n);
    CHECK(content(blobs, store::hash_text(shared)) == shared);
  }
}

void check_catalog(Catalog& catalog) {
  const BlobId one{store::hash_text("one"), 3}, other{store::hash_text("other"), 5};
  CHECK_FALSE(catalog.find_archive("a.nar"));
  CHECK(catalog.add_archive("a.nar", one));
  CHECK(catalog.add_archive("a.nar", one));
  CHECK_FALSE(catalog.add_archive("a.nar", other));
  CHECK_FALSE(catalog.add_archive("a.nar", BlobId{one.hash, 4}));
  CHECK(catalog.find_archive("a.nar") == one);

  CHECK(catalog.count() == 0);
  CHECK(catalog.list(10).empty());
  const auto record = [](const std::string& digest, const std::string& text) {
    return NarinfoRecord{
        .digest = digest, .path_name = "hello", .archive = "a.nar", .nar_size_bytes = 120, .text = text};
  };
  CHECK_FALSE(catalog.find_narinfo("d1"));
  catalog.add_narinfo(record("d1", "first"));
  CHECK(catalog.find_narinfo("d1") == "first");
  catalog.add_narinfo(record("d1", "second"));
  CHECK(catalog.find_narinfo("d1") == "second");
  NarinfoRecord orphan = record("d2", "orphan");
  orphan.archive = "missing.nar";
  CHECK_THROWS_AS(catalog.add_narinfo(orphan), store::UserError);
  CHECK_FALSE(catalog.find_narinfo("d2"));
  CHECK(catalog.count() == 1);
  catalog.add_narinfo(record("d3", "third")); // also after a failed call
  CHECK(catalog.list(1).size() == 1);
  REQUIRE(catalog.list(10).size() == 2);
  CHECK(catalog.list(10).front().name == "hello");
  CHECK(catalog.list(10).front().nar_size_bytes == 120);

  CHECK_FALSE(catalog.find_text("/log/x"));
  catalog.add_text("/log/x", "a log");
  catalog.add_text("/log/x", std::string_view("with\0NUL", 8));
  CHECK(catalog.find_text("/log/x") == std::string("with\0NUL", 8));

  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      won += catalog.add_archive("contended.nar", BlobId{store::hash_text(std::to_string(i)), 1});
      for (int n = 0; n < 20; ++n) {
        catalog.add_text("/log/" + std::to_string(i), std::to_string(n));
        (void)catalog.find_narinfo("d1");
        (void)catalog.list(10);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(won == 1);
  CHECK(catalog.find_text("/log/3") == "19");
}

} // namespace

TEST_CASE("blobs keep their contract in a folder") {
  const TemporaryFolder root;
  FolderBlobs blobs(root.path);
  check_blobs(blobs);
  CHECK(fs::is_empty(root.path / "incoming"));
}

TEST_CASE("blobs keep their contract in memory") {
  MemoryBlobs blobs;
  check_blobs(blobs);
}

TEST_CASE("the catalog keeps its contract in SQLite") {
  const TemporaryFolder root;
  SqliteCatalog catalog(root.path);
  check_catalog(catalog);
}

TEST_CASE("the catalog keeps its contract in memory") {
  MemoryCatalog catalog;
  check_catalog(catalog);
}

TEST_CASE("what was stored is there after a new start, and a broken upload is not") {
  const TemporaryFolder root;
  BlobId id;
  {
    FolderBlobs blobs(root.path);
    SqliteCatalog catalog(root.path);
    id = put(blobs, "kept");
    CHECK(catalog.add_archive("kept.nar", id));
    std::ofstream(root.path / "incoming" / ".upload.tmp-1") << "half"; // as a killed process leaves it
  }
  FolderBlobs blobs(root.path);
  SqliteCatalog catalog(root.path);
  CHECK(catalog.find_archive("kept.nar") == id);
  CHECK(content(blobs, id.hash) == "kept");
  CHECK(fs::is_empty(root.path / "incoming"));
}

TEST_CASE("a damaged blob is mended by uploading it again") {
  const TemporaryFolder root;
  FolderBlobs blobs(root.path);
  const BlobId id = put(blobs, "whole");
  std::ofstream(root.path / "blobs" / id.hash.base16()) << "damaged";
  put(blobs, "whole");
  CHECK(content(blobs, id.hash) == "whole");
}
