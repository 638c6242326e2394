// What the parts of LocalStore (adding, collecting, profiles) share.
#pragma once
#include "store/local/content_address.hpp"
#include "store/local/database.hpp"
#include "store/local/local_store.hpp"
#include "store/local/process_token.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <unordered_set>

namespace store {

struct LocalStore::Impl {
  explicit Impl(const std::filesystem::path& root_folder);

  std::filesystem::path root, store, var, roots, profiles, locks, processes, logs;
  UniqueFd store_fd;
  UniqueFd gc_lock_fd;
  Database db;
  uint64_t temporary_count = 0;
  std::unordered_set<std::string> temporary_roots; // base names that this process holds already
  std::string boot;                                // this boot's id
  bool unsynced = false;                           // something was added since the last sync()

  DerivationHashes derivation_hashes; // of what is in the store: paths name contents, so that none grows stale

  Statement path_by_name{db, "SELECT id, nar_hash, nar_size, deriver, content_address FROM valid_paths WHERE path = ?"};
  Statement is_valid{db, "SELECT id FROM valid_paths WHERE path = ?"};
  Statement references_of{db,
                          "SELECT p.path FROM refs r JOIN valid_paths p ON p.id = r.reference WHERE r.referrer = ?"};
  Statement signatures_of{db, "SELECT signature FROM signatures WHERE path = ? ORDER BY signature"};
  Statement referrers_of{db, "SELECT p.path FROM refs r JOIN valid_paths p ON p.id = r.referrer "
                             "JOIN valid_paths q ON q.id = r.reference WHERE q.path = ?"};
  Statement all_paths{db, "SELECT path FROM valid_paths ORDER BY path"};
  Statement by_digest{db, "SELECT path FROM valid_paths WHERE path > ? AND path < ?"};
  Statement insert_path{db,
                        "INSERT INTO valid_paths (path, nar_hash, nar_size, registered_at, deriver, content_address) "
                        "VALUES (?, ?, ?, unixepoch(), ?, ?)"};
  Statement insert_reference{db, "INSERT OR IGNORE INTO refs (referrer, reference) VALUES (?, ?)"};
  Statement insert_signature{db, "INSERT OR IGNORE INTO signatures (path, signature) VALUES (?, ?)"};
  Statement insert_unsynced{db, "INSERT INTO unsynced (path, boot) VALUES (?, ?)"};
  Statement insert_temporary_root{db, "INSERT OR IGNORE INTO temporary_roots (process, path) VALUES (?, ?)"};

  // gc.lock, shared or exclusive, until the end of a scope.
  class GcLock {
  public:
    GcLock(Impl& impl, int operation);
    ~GcLock();
    GcLock(const GcLock&) = delete;
    GcLock& operator=(const GcLock&) = delete;

  private:
    Impl& impl_;
  };

  // A place in the store folder for what is not registered yet: removed at the end of the scope if still there.
  class TemporaryTree {
  public:
    explicit TemporaryTree(Impl& impl);
    ~TemporaryTree();
    TemporaryTree(const TemporaryTree&) = delete;
    TemporaryTree& operator=(const TemporaryTree&) = delete;
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::filesystem::path path() const { return impl_.store / name_; }

  private:
    Impl& impl_;
    std::string name_;
  };

  // A tree, complete and canonical and synced at `tree` in the store folder, and what is to be said of it.
  struct Staged {
    PathInfo info;
    std::filesystem::path tree;
  };

  [[nodiscard]] std::filesystem::path physical(const StorePath& path) const { return store / path.base_name(); }
  [[nodiscard]] std::optional<PathInfo> query(const StorePath& path);
  [[nodiscard]] std::optional<int64_t> id_of(const StorePath& path);
  // Moves in and registers all of them in one transaction, with temporary roots; those that are valid already stay as
  // they are (new signatures are added).
  void register_staged(const std::vector<Staged>& staged);
  void check_references(const PathInfo& info, const StorePathSet& besides = {});
  PathInfo add_text(LocalStore& self, std::string_view name, std::string_view contents, const StorePathSet& references,
                    bool is_ours);
  [[nodiscard]] Result<Derivation> load_derivation(const StorePath& drv_path); // unchecked but for its form
  // A NAR that `produce` feeds, checked against the info, written and registered.
  PathInfo add_nar(LocalStore& self, const PathInfo& info, const std::function<void(const ByteSink&)>& produce,
                   bool is_ours); // made by this program: what it states need not be looked at
  // What `info` and the complete tree state of each other and of derivations; UserError (refused) where it is wrong.
  void check_claims(const PathInfo& info, const std::filesystem::path& tree);
  [[nodiscard]] Derivation checked_derivation(const StorePath& drv_path, const std::filesystem::path& file);
  // All that was registered is on disk when this returns; does nothing when nothing was added by this object.
  void sync();
  // After a crash of the machine: what had been registered without being synced is looked at, and forgotten, with all
  // that refers to it, where it is damaged.
  void recover();
};

// «/kpkg/store/DIGEST-NAME[/…]» or «ROOT/store/DIGEST-NAME[/…]» → the store path.
[[nodiscard]] std::optional<StorePath> store_path_of_target(const std::filesystem::path& store_folder,
                                                            std::string_view target);

} // namespace store
