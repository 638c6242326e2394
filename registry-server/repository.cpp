#include "registry-server/repository.hpp"
#include "generated/registry_schema.hpp"
#include "store/local/local_store.hpp"
#include <chrono>
#include <fcntl.h>
#include <unistd.h>

namespace registry {

namespace fs = std::filesystem;

namespace {

fs::path prepared(fs::path root) {
  fs::create_directories(root / "nar");
  fs::remove_all(root / "incoming"); // uploads that a crash cut off
  fs::create_directories(root / "incoming");
  return root;
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

} // namespace

Repository::Repository(fs::path root)
    : root_(prepared(std::move(root))), database_(root_ / "registry.sqlite", kRegistrySchema, 1),
      find_nar_(database_, "SELECT file_hash, file_size FROM nars WHERE name = ?1"),
      add_nar_(database_, "INSERT INTO nars (name, file_hash, file_size) VALUES (?1, ?2, ?3)"),
      find_narinfo_(database_, "SELECT text FROM narinfos WHERE digest = ?1"),
      add_narinfo_(database_, "INSERT OR REPLACE INTO narinfos (digest, path_name, nar, nar_size, text, added_unix_s) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
      find_text_(database_, "SELECT body FROM texts WHERE url = ?1"),
      add_text_(database_, "INSERT OR REPLACE INTO texts (url, body) VALUES (?1, ?2)"),
      list_(database_, "SELECT digest, path_name, nar_size, added_unix_s FROM narinfos ORDER BY added_unix_s DESC, "
                       "path_name LIMIT ?1"),
      count_(database_, "SELECT count(*) FROM narinfos") {}

std::optional<StoredNar> Repository::find_nar(std::string_view name) {
  find_nar_.bind_all(name);
  if (!find_nar_.step()) return {};
  StoredNar nar{.file = root_ / "nar" / name,
                .file_hash = store::unwrap(store::Hash::parse(find_nar_.text(0)), "registry database"),
                .size_bytes = static_cast<uint64_t>(find_nar_.integer(1))};
  find_nar_.reset();
  return nar;
}

bool Repository::add_nar(std::string_view name, const fs::path& temporary, const store::Hash& hash,
                         uint64_t size_bytes) {
  if (const auto existing = find_nar(name)) {
    fs::remove(temporary);
    return existing->file_hash == hash && existing->size_bytes == size_bytes;
  }
  fs::rename(temporary, root_ / "nar" / name);
  sync_folder(root_ / "nar");
  const std::string hash_text = hash.to_string();
  add_nar_.bind_all(name, std::string_view(hash_text), static_cast<int64_t>(size_bytes)).run();
  return true;
}

std::optional<std::string> Repository::find_narinfo(std::string_view digest) {
  find_narinfo_.bind_all(digest);
  if (!find_narinfo_.step()) return {};
  std::string text = find_narinfo_.text(0);
  find_narinfo_.reset();
  return text;
}

void Repository::add_narinfo(const store::NarInfo& narinfo, std::string_view nar_name) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string text = narinfo.to_string();
  add_narinfo_
      .bind_all(narinfo.info.path.digest(), narinfo.info.path.name(), nar_name,
                static_cast<int64_t>(narinfo.info.nar_size_bytes), std::string_view(text),
                static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()))
      .run();
}

std::optional<std::string> Repository::find_text(std::string_view url) {
  find_text_.bind_all(url);
  if (!find_text_.step()) return {};
  std::string body = find_text_.text(0);
  find_text_.reset();
  return body;
}

void Repository::add_text(std::string_view url, std::string_view body) { add_text_.bind_all(url, body).run(); }

std::vector<ListedPath> Repository::list(size_t limit) {
  std::vector<ListedPath> paths;
  list_.bind_all(static_cast<int64_t>(limit));
  while (list_.step())
    paths.push_back({.digest = list_.text(0),
                     .name = list_.text(1),
                     .nar_size_bytes = static_cast<uint64_t>(list_.integer(2)),
                     .added_unix_s = list_.integer(3)});
  return paths;
}

size_t Repository::count() {
  size_t result = 0;
  count_.reset();
  while (count_.step()) result = static_cast<size_t>(count_.integer(0));
  return result;
}

} // namespace registry
