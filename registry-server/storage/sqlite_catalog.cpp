#include "registry-server/storage/sqlite_catalog.hpp"
#include "generated/registry_schema.hpp"
#include <chrono>

namespace registry {

namespace {

constexpr int64_t kSchemaVersion = 2;
constexpr const char* kFindArchive = "SELECT file_hash, file_size FROM nars WHERE name = ?1";

std::optional<BlobId> archive_row(store::Statement& statement, std::string_view name) {
  statement.bind_all(name);
  if (!statement.step()) return {};
  const BlobId blob{.hash = store::unwrap(store::Hash::parse(statement.text(0)), "registry database"),
                    .size_bytes = static_cast<uint64_t>(statement.integer(1))};
  statement.reset();
  return blob;
}

std::optional<std::string> text_row(store::Statement& statement, std::string_view key) {
  statement.bind_all(key);
  if (!statement.step()) return {};
  std::string text = statement.text(0);
  statement.reset();
  return text;
}

} // namespace

SqliteCatalog::LookUps::LookUps(const std::filesystem::path& file)
    : database(file, kRegistrySchema, kSchemaVersion), archive(database, kFindArchive),
      narinfo(database, "SELECT text FROM narinfos WHERE digest = ?1"),
      text(database, "SELECT body FROM texts WHERE url = ?1") {}

SqliteCatalog::Writes::Writes(const std::filesystem::path& file)
    : database(file, kRegistrySchema, kSchemaVersion),
      add_archive(database, "INSERT INTO nars (name, file_hash, file_size) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"),
      archive(database, kFindArchive),
      add_narinfo(database, "INSERT OR REPLACE INTO narinfos (digest, path_name, nar, nar_size, text, added_unix_s) "
                            "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
      add_text(database, "INSERT OR REPLACE INTO texts (url, body) VALUES (?1, ?2)") {}

SqliteCatalog::Listings::Listings(const std::filesystem::path& file)
    : database(file, kRegistrySchema, kSchemaVersion),
      list(database, "SELECT digest, path_name, nar_size, added_unix_s FROM narinfos ORDER BY added_unix_s DESC, "
                     "path_name LIMIT ?1"),
      count(database, "SELECT count(*) FROM narinfos") {}

SqliteCatalog::SqliteCatalog(const std::filesystem::path& root)
    : look_ups_(root / "registry.sqlite"), writes_(root / "registry.sqlite"), listings_(root / "registry.sqlite") {}

std::optional<BlobId> SqliteCatalog::find_archive(std::string_view name) {
  const std::lock_guard lock(look_ups_mutex_);
  return archive_row(look_ups_.archive, name);
}

bool SqliteCatalog::add_archive(std::string_view name, const BlobId& blob) {
  const std::lock_guard lock(writes_mutex_);
  const std::string hash_text = blob.hash.to_string();
  writes_.add_archive.bind_all(name, std::string_view(hash_text), static_cast<int64_t>(blob.size_bytes)).run();
  return archive_row(writes_.archive, name) == blob;
}

std::optional<std::string> SqliteCatalog::find_narinfo(std::string_view digest) {
  const std::lock_guard lock(look_ups_mutex_);
  return text_row(look_ups_.narinfo, digest);
}

void SqliteCatalog::add_narinfo(const NarinfoRecord& record) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::lock_guard lock(writes_mutex_);
  writes_.add_narinfo
      .bind_all(std::string_view(record.digest), std::string_view(record.path_name), std::string_view(record.archive),
                static_cast<int64_t>(record.nar_size_bytes), std::string_view(record.text),
                static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()))
      .run();
}

std::optional<std::string> SqliteCatalog::find_text(std::string_view url) {
  const std::lock_guard lock(look_ups_mutex_);
  return text_row(look_ups_.text, url);
}

void SqliteCatalog::add_text(std::string_view url, std::string_view body) {
  const std::lock_guard lock(writes_mutex_);
  writes_.add_text.bind_all(url, body).run();
}

std::vector<ListedPath> SqliteCatalog::list(size_t limit) {
  const std::lock_guard lock(listings_mutex_);
  std::vector<ListedPath> paths;
  store::Statement& rows = listings_.list.bind_all(static_cast<int64_t>(limit));
  while (rows.step())
    paths.push_back({.digest = rows.text(0),
                     .name = rows.text(1),
                     .nar_size_bytes = static_cast<uint64_t>(rows.integer(2)),
                     .added_unix_s = rows.integer(3)});
  rows.reset();
  return paths;
}

size_t SqliteCatalog::count() {
  const std::lock_guard lock(listings_mutex_);
  store::Statement& row = listings_.count.bind_all();
  const size_t result = row.step() ? static_cast<size_t>(row.integer(0)) : 0;
  row.reset();
  return result;
}

} // namespace registry
