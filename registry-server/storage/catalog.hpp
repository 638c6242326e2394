// What the registry knows: which names its archives have, which store paths can be fetched, small texts. The bytes of
// archives are in Blobs; a row may only name a blob that was committed before.
//
// Contract of every implementation: each call is one transaction, seen by all later calls of every thread; nothing of a
// failed call stays. A crash of the process loses nothing; one of the machine may lose the newest calls, never a part
// of one. Thread-safe. The look-ups by key are quick enough for the thread that serves all sessions and never wait for
// a writer; list(), count() and the add… may block. Failures are UserErrors that may name paths of the host.
#pragma once
#include "registry-server/storage/blobs.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace registry {

struct NarinfoRecord {
  std::string digest;    // of the store path: 32 nix32 digits
  std::string path_name; // the store path's name
  std::string archive;   // name of the archive, which must be in the catalog
  uint64_t nar_size_bytes = 0;
  std::string text; // served as it is
};

struct ListedPath {
  std::string digest, name;
  uint64_t nar_size_bytes = 0;
  int64_t added_unix_s = 0;
};

class Catalog {
public:
  virtual ~Catalog() = default;

  [[nodiscard]] virtual std::optional<BlobId> find_archive(std::string_view name) = 0;
  // True also where the name already means the same blob; false, and nothing changes, where it means another.
  [[nodiscard]] virtual bool add_archive(std::string_view name, const BlobId& blob) = 0;

  [[nodiscard]] virtual std::optional<std::string> find_narinfo(std::string_view digest) = 0;
  virtual void add_narinfo(const NarinfoRecord& record) = 0; // replaces; UserError where the archive is unknown

  [[nodiscard]] virtual std::optional<std::string> find_text(std::string_view url) = 0;
  virtual void add_text(std::string_view url, std::string_view body) = 0; // replaces

  [[nodiscard]] virtual std::vector<ListedPath> list(size_t limit) = 0; // newest first, then by name
  [[nodiscard]] virtual size_t count() = 0;                             // of narinfos
};

} // namespace registry
