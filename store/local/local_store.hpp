// The local store: a folder of immutable trees and a SQLite database (WAL) of what is valid.
//
//   ROOT/store/DIGEST-NAME      the trees; logical path /kpkg/store/DIGEST-NAME
//   ROOT/store/.tmp-*           being added; never visible as paths; swept by gc
//   ROOT/var/db.sqlite          schemas/store.sql
//   ROOT/var/roots/             links to logical store paths, or to links of users (indirect)
//   ROOT/var/profiles/NAME      -> NAME-N-link -> /kpkg/store/…   (generations)
//   ROOT/var/log/DIGEST-NAME.drv.log   build logs
//   ROOT/var/gc.lock            shared: adders, while they register; exclusive: the collector
//   ROOT/var/processes/TOKEN    locked by a process as long as it lives; its temporary roots and .tmp-TOKEN-* files
//   live
//                               as long
//   ROOT/var/locks/DIGEST-NAME  held while a path is built (lock_path)
//
// ROOT is $KPKG_ROOT, else ~/.local/share/kpkg, for the root user /kpkg. Files: mtime 1, modes 0444/0555.
// Invariants: a path is registered only when its tree is complete and canonical, and a crash, also of the machine,
// leaves the whole path or nothing visible (durability.cpp); references of a valid path are valid; a registered tree
// never changes; deleting never races with adding (gc.lock, and temporary roots are rows of the running process). What
// stands in the store folder without being registered is swept, unless a process that lives has it as temporary root or
// holds its lock_path. Errors are exceptions (UserError). One LocalStore per thread; any number of processes
// share a ROOT.
#pragma once
#include "store/format/derivation.hpp"
#include "store/format/narinfo.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/lock_file.hpp"
#include "store/posix/user_error.hpp"
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

namespace store {

// $KPKG_ROOT, else the default above.
[[nodiscard]] std::filesystem::path default_root();

struct GcOptions {
  bool dry_run = false;
  uint64_t max_freed_bytes = ~uint64_t{0};
};
struct GcResult {
  std::vector<StorePath> deleted; // or would be
  uint64_t freed_bytes = 0;       // sum of NAR sizes
};

struct ProfileGeneration {
  uint64_t number = 0;
  StorePath path;
  int64_t created_unix_s = 0;
  bool current = false;
};

struct VerifyProblem {
  StorePath path;
  std::string what; // «NAR hash is …, the database says …», «missing on disk»
};

// Outputs of a build, copied into inodes of the store's own that no builder ever held, canonical, hashed and scanned
// for references as they were written. Not registered yet, and gone when this goes.
class TakenOutputs {
public:
  struct Output {
    PathInfo info; // with its references and, of a fixed output, its content address
    std::filesystem::path tree;
  };
  ~TakenOutputs();
  TakenOutputs(TakenOutputs&&) noexcept;
  TakenOutputs& operator=(TakenOutputs&&) = delete;
  [[nodiscard]] const std::map<std::string, Output>& by_id() const { return outputs_; }

private:
  friend class LocalStore;
  struct Trees;
  TakenOutputs();
  std::unique_ptr<Trees> trees_;
  std::map<std::string, Output> outputs_;
};

class LocalStore {
public:
  explicit LocalStore(const std::filesystem::path& root = default_root()); // creates what is missing
  ~LocalStore();
  LocalStore(const LocalStore&) = delete;
  LocalStore& operator=(const LocalStore&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const;
  [[nodiscard]] std::filesystem::path physical(const StorePath& path) const; // ROOT/store/DIGEST-NAME
  [[nodiscard]] std::filesystem::path store_folder() const;                  // ROOT/store
  [[nodiscard]] std::filesystem::path log_path(const StorePath& drv) const;

  // --- query
  [[nodiscard]] bool is_valid(const StorePath& path);
  [[nodiscard]] std::optional<PathInfo> query(const StorePath& path);
  [[nodiscard]] std::vector<StorePath> query_all(); // sorted
  [[nodiscard]] std::optional<StorePath> find_by_digest(std::string_view digest);
  [[nodiscard]] StorePathSet referrers(const StorePath& path);
  // All paths reachable by references, the given ones included. Every one is valid.
  [[nodiscard]] StorePathSet closure(const StorePathSet& paths);
  [[nodiscard]] std::vector<StorePath> closure_references_first(const StorePathSet& paths);

  // --- add. All are idempotent, return the registered info, and leave a temporary root for this process.
  PathInfo add_source(const std::filesystem::path& path, std::string_view name, const PathFilter& filter = {});
  PathInfo add_text(std::string_view name, std::string_view contents, const StorePathSet& references = {});
  // Fills in the outputs' paths, here and in env, and writes the .drv file. There is no other way to make one: texts,
  // sources and NARs with such a name are taken only when what they state of their outputs follows from the rest.
  StorePath add_derivation(Derivation& derivation);
  // From a NAR stream: `produce` feeds the sink. Content must have info.nar_hash and size, references must be valid.
  // Signatures are stored, not judged: that is the caller's policy.
  PathInfo add_nar(const PathInfo& info, const std::function<void(const ByteSink&)>& produce);
  // What the builder of a derivation has made: see TakenOutputs. `trees`: where each output lies, by its id; all of the
  // derivation's. `candidates`: what they may refer to, besides each other. A fixed output must have its promised hash.
  struct TakeLimits {
    uint64_t max_bytes = ~uint64_t{0};     // of all outputs' files, as their sizes say; looked at before they are read
    std::function<void()> checkpoint = {}; // called between pieces; may throw to stop
  };
  [[nodiscard]] TakenOutputs take_outputs(const StorePath& drv_path,
                                          const std::map<std::string, std::filesystem::path>& trees,
                                          const StorePathSet& candidates, const TakeLimits& limits);
  // Registers those that are not valid yet, in one transaction. Returns all their infos, in the order of their ids.
  std::vector<PathInfo> register_outputs(const TakenOutputs& outputs);
  void add_signatures(const StorePath& path, const std::vector<Signature>& signatures);
  void add_temp_root(const StorePath& path); // until this process ends

  // --- read
  void dump_nar(const StorePath& path, const ByteSink& sink); // of a valid path
  // Checked: the path follows from the text, and what the derivation states of its outputs from the rest.
  [[nodiscard]] Derivation read_derivation(const StorePath& drv_path);

  // --- verify, collect
  // `check_contents`: also that every tree has its hash, that content addresses hold, and that derivations and what is
  // said to be made by them follow from their texts.
  [[nodiscard]] std::vector<VerifyProblem> verify(bool check_contents);
  GcResult collect_garbage(const GcOptions& options = {});
  // An indirect root: `link` (made, atomically replaced) -> physical(path); registered in var/roots.
  void add_root_link(const std::filesystem::path& link, const StorePath& path);
  [[nodiscard]] std::vector<std::pair<std::string, StorePath>> roots(); // what keeps what alive

  // --- profiles
  [[nodiscard]] std::vector<ProfileGeneration> generations(std::string_view profile);
  // Its number; atomic switch. Where the newest generation has this path already, that one is made current instead.
  uint64_t new_generation(std::string_view profile, const StorePath& path);
  void switch_generation(std::string_view profile, uint64_t number);
  [[nodiscard]] std::optional<StorePath> current(std::string_view profile);

  // Held while building a derivation so that two processes do not build it twice.
  [[nodiscard]] LockFile lock_path(const StorePath& path); // blocks

private:
  friend class TakenOutputs; // its trees are temporary ones of the store
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace store
