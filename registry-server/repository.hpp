// What the registry holds: archives as files in ROOT/nar, everything else in ROOT/registry.sqlite
// (schemas/registry.sql). An archive becomes visible when it is complete, hashed and synced; a narinfo when its archive
// is there and agrees.
#pragma once
#include "store/format/narinfo.hpp"
#include "store/local/database.hpp"
#include <filesystem>
#include <optional>

namespace registry {

struct StoredNar {
  std::filesystem::path file;
  store::Hash file_hash;
  uint64_t size_bytes = 0;
};

struct ListedPath {
  std::string digest, name;
  uint64_t nar_size_bytes = 0;
  int64_t added_unix_s = 0;
};

class Repository {
public:
  explicit Repository(std::filesystem::path root); // created where missing
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  [[nodiscard]] std::optional<StoredNar> find_nar(std::string_view name);
  // `temporary` is a complete, synced file in incoming(); it is moved in, or removed when the name is already there
  // with the same content. False: the name is taken by other content.
  [[nodiscard]] bool add_nar(std::string_view name, const std::filesystem::path& temporary, const store::Hash& hash,
                             uint64_t size_bytes);
  [[nodiscard]] std::filesystem::path incoming() const { return root_ / "incoming"; }

  [[nodiscard]] std::optional<std::string> find_narinfo(std::string_view digest);
  void add_narinfo(const store::NarInfo& narinfo, std::string_view nar_name); // replaces

  [[nodiscard]] std::optional<std::string> find_text(std::string_view url);
  void add_text(std::string_view url, std::string_view body);

  [[nodiscard]] std::vector<ListedPath> list(size_t limit); // newest first
  [[nodiscard]] size_t count();

private:
  std::filesystem::path root_;
  store::Database database_;
  store::Statement find_nar_, add_nar_, find_narinfo_, add_narinfo_, find_text_, add_text_, list_, count_;
};

} // namespace registry
