// The catalog in ROOT/registry.sqlite (schemas/registry.sql). Three connections, each with its own lock, so that
// neither a long listing nor a write holds up the look-ups of the serving thread (WAL: readers never wait for a
// writer).
#pragma once
#include "registry-server/storage/catalog.hpp"
#include "store/base/thread_annotations.hpp"
#include "store/local/database.hpp"
#include <filesystem>
#include <mutex>

namespace registry {

class SqliteCatalog final : public Catalog {
public:
  explicit SqliteCatalog(const std::filesystem::path& root); // the folder must exist
  [[nodiscard]] std::optional<BlobId> find_archive(std::string_view name) override;
  [[nodiscard]] bool add_archive(std::string_view name, const BlobId& blob) override;
  [[nodiscard]] std::optional<std::string> find_narinfo(std::string_view digest) override;
  void add_narinfo(const NarinfoRecord& record) override;
  [[nodiscard]] std::optional<std::string> find_text(std::string_view url) override;
  void add_text(std::string_view url, std::string_view body) override;
  [[nodiscard]] std::vector<ListedPath> list(size_t limit) override;
  [[nodiscard]] size_t count() override;

private:
  struct LookUps {
    explicit LookUps(const std::filesystem::path& file);
    store::Database database;
    store::Statement archive, narinfo, text;
  };
  struct Writes {
    explicit Writes(const std::filesystem::path& file);
    store::Database database;
    store::Statement add_archive, archive, add_narinfo, add_text;
  };
  struct Listings {
    explicit Listings(const std::filesystem::path& file);
    store::Database database;
    store::Statement list, count;
  };
  std::mutex look_ups_mutex_, writes_mutex_, listings_mutex_;
  LookUps look_ups_ KPKG_GUARDED_BY(look_ups_mutex_);
  Writes writes_ KPKG_GUARDED_BY(writes_mutex_);
  Listings listings_ KPKG_GUARDED_BY(listings_mutex_);
};

} // namespace registry
