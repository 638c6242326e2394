// When trees reach the disk. Syncing every file before its registration costs milliseconds a path on a disk, for the
// sake of a power failure in that moment. Instead a registered path is marked `unsynced` in the same transaction; the
// marks are taken away after a syncfs(2) when the store is closed or a profile is to lead there. Marks that are found
// with the id of an earlier boot say that the machine went down in between: then those trees are hashed, and what is
// not whole is forgotten before anyone sees it. (A killed process needs none of this: the kernel still has what it
// wrote.)
#include "store/local/local_store_impl.hpp"
#include "store/posix/file_io.hpp"
#include <sys/file.h>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr const char* kBootIdFile = "/proc/sys/kernel/random/boot_id";

std::string read_boot_id() {
  try {
    std::string id = read_file(kBootIdFile);
    return id.substr(0, id.find('\n'));
  } catch (const UserError&) { // no /proc
    return "unknown";
  }
}

} // namespace

void LocalStore::Impl::sync() {
  if (!unsynced) return;
  std::vector<int64_t> ids; // those registered by now: later ones may be in the middle of being written
  Statement marked{db, "SELECT path FROM unsynced"};
  while (marked.step()) ids.push_back(marked.integer(0));
  marked.reset();
  check_errno(::syncfs(store_fd.get()), "sync the file system of", store);
  Transaction transaction{db};
  Statement unmark{db, "DELETE FROM unsynced WHERE path = ?"};
  for (const int64_t id : ids) unmark.bind_all(id).run();
  transaction.commit();
  unsynced = false;
}

void LocalStore::Impl::recover() {
  boot = read_boot_id();
  Statement marked{
      db, "SELECT p.id, p.path, p.nar_hash FROM unsynced u JOIN valid_paths p ON p.id = u.path WHERE u.boot <> ?"};
  const bool crashed = marked.bind_all(std::string_view{boot}).step();
  marked.reset();
  if (!crashed) return;

  const GcLock lock{*this, LOCK_EX};
  Transaction transaction{db};
  std::vector<int64_t> damaged;
  marked.bind_all(std::string_view{boot}); // another process may have recovered meanwhile
  while (marked.step()) {
    try {
      if (hash_path(store / marked.text(1)).first.to_string() == marked.text(2)) continue;
    } catch (const UserError&) { // missing, or unreadable: damaged
    }
    damaged.push_back(marked.integer(0));
  }
  marked.reset();
  std::unordered_set<int64_t> forgotten{damaged.begin(), damaged.end()};
  Statement referrers{db, "SELECT referrer FROM refs WHERE reference = ?"};
  for (size_t i = 0; i < damaged.size(); ++i) {
    referrers.bind_all(damaged[i]);
    while (referrers.step())
      if (forgotten.insert(referrers.integer(0)).second) damaged.push_back(referrers.integer(0));
    referrers.reset();
  }
  Statement unlink_references{db, "DELETE FROM refs WHERE referrer = ?"},
      remove{db, "DELETE FROM valid_paths WHERE id = ?"};
  for (const int64_t id : damaged) unlink_references.bind_all(id).run();
  for (const int64_t id : damaged) remove.bind_all(id).run();
  check_errno(::syncfs(store_fd.get()), "sync the file system of", store);
  Statement unmark{db, "DELETE FROM unsynced WHERE boot <> ?"};
  unmark.bind_all(std::string_view{boot}).run();
  transaction.commit();
}

} // namespace store
