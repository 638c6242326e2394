// Opening, querying and adding. The order of every addition: write the tree under a temporary name, sync it, then in
// one immediate transaction (which one process at a time holds) rename it into place and register it. A crash before
// the commit leaves a temporary or an unregistered tree, which the collector sweeps and the next addition replaces.
#include "generated/store_schema.hpp"
#include "store/local/local_store_impl.hpp"
#include "store/local/reference_scanner.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/folder.hpp"
#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>

namespace store {

namespace fs = std::filesystem;

namespace {

// A tree up to this size is kept in memory between hashing and writing it, so that it is read and hashed once.
constexpr uint64_t kKeepInMemoryBytes = 64u << 20;

constexpr const char* kNothingAdded =
    "nothing was added; the content was damaged on its way, or changed while it was read";

fs::path create_folder(const fs::path& path, unsigned mode) {
  make_folder(path, mode);
  return path;
}

StorePath stored_path(const std::string& base_name) {
  return unwrap(StorePath::parse_base_name(base_name), "the store's database");
}

std::string content_address_of_nar(const Hash& nar_hash) { return "fixed:r:" + nar_hash.to_string(); }

} // namespace

fs::path default_root() {
  if (const char* root = std::getenv("KPKG_ROOT"); root != nullptr && *root != '\0')
    return fs::absolute(root).lexically_normal();
  if (::geteuid() == 0) return "/kpkg";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw UserError("neither KPKG_ROOT nor HOME is set, so that there is no place for the store", "set KPKG_ROOT");
  return fs::path{home} / ".local/share/kpkg";
}

LocalStore::Impl::Impl(const fs::path& root_folder)
    : root(create_folder(fs::absolute(root_folder).lexically_normal(), 0700)),
      store(create_folder(root / "store", 0755)), var(create_folder(root / "var", 0755)),
      roots(create_folder(var / "roots", 0700)), profiles(create_folder(var / "profiles", 0755)),
      locks(create_folder(var / "locks", 0700)), processes(create_folder(var / "processes", 0700)),
      logs(create_folder(var / "log", 0700)), store_fd(open_file(store, O_RDONLY | O_DIRECTORY)),
      gc_lock_fd(open_file(var / "gc.lock", O_RDWR | O_CREAT, 0600)), db(var / "db.sqlite", kStoreSchema, 1),
      derivation_hashes([this](const StorePath& path) { return load_derivation(path); }) {}

LocalStore::Impl::GcLock::GcLock(Impl& impl, int operation) : impl_(impl) {
  lock_file(impl_.gc_lock_fd.get(), operation, impl_.var / "gc.lock");
}

LocalStore::Impl::GcLock::~GcLock() { ::flock(impl_.gc_lock_fd.get(), LOCK_UN); }

LocalStore::Impl::TemporaryTree::TemporaryTree(Impl& impl)
    : impl_(impl),
      name_(".tmp-" + process_token(impl.processes) + "-" + std::to_string(::getpid()) + "-" +
            std::to_string(reinterpret_cast<uintptr_t>(&impl)) + "-" + std::to_string(++impl.temporary_count)) {}

LocalStore::Impl::TemporaryTree::~TemporaryTree() {
  try {
    remove_tree(path());
  } catch (const UserError&) { // the collector tries again
  }
}

std::optional<int64_t> LocalStore::Impl::id_of(const StorePath& path) {
  if (!is_valid.bind_all(std::string_view{path.base_name()}).step()) {
    is_valid.reset();
    return std::nullopt;
  }
  const int64_t id = is_valid.integer(0);
  is_valid.reset();
  return id;
}

std::optional<PathInfo> LocalStore::Impl::query(const StorePath& path) {
  // One read transaction, so that the four queries see the same state. Inside a write transaction it is that one.
  const bool outermost = !db.in_transaction();
  if (outermost) db.execute("BEGIN");
  struct End {
    Database* db;
    ~End() {
      if (db != nullptr) {
        try {
          db->execute("COMMIT");
        } catch (const UserError&) { // of a transaction that only read
        }
      }
    }
  };
  std::optional<PathInfo> result;
  {
    const End end{outermost ? &db : nullptr};
    if (path_by_name.bind_all(std::string_view{path.base_name()}).step()) {
      const int64_t id = path_by_name.integer(0);
      PathInfo info{.path = path,
                    .nar_hash =
                        unwrap(Hash::parse(path_by_name.text(1), HashAlgorithm::sha256), "the store's database"),
                    .nar_size_bytes = static_cast<uint64_t>(path_by_name.integer(2))};
      if (!path_by_name.is_null(3)) info.deriver = stored_path(path_by_name.text(3));
      info.content_address = path_by_name.text(4);
      references_of.bind_all(id);
      while (references_of.step()) info.references.insert(stored_path(references_of.text(0)));
      references_of.reset();
      signatures_of.bind_all(id);
      while (signatures_of.step())
        info.signatures.push_back(unwrap(Signature::parse(signatures_of.text(0)), "the store's database"));
      signatures_of.reset();
      result = std::move(info);
    }
    path_by_name.reset();
  }
  return result;
}

void LocalStore::Impl::check_references(const PathInfo& info, const StorePathSet& besides) {
  for (const StorePath& reference : info.references) {
    if (reference == info.path || besides.contains(reference) || id_of(reference)) continue;
    throw UserError("cannot add " + info.path.full() + ": it refers to " + reference.full() +
                        ", which is not in the store",
                    "add what it refers to first");
  }
}

void LocalStore::Impl::register_staged(const std::vector<Staged>& staged) {
  StorePathSet all;
  for (const Staged& each : staged) all.insert(each.info.path);
  const GcLock lock{*this, LOCK_SH};
  Transaction transaction{db};
  std::vector<std::pair<const PathInfo*, int64_t>> fresh;
  for (const Staged& each : staged) {
    const PathInfo& info = each.info;
    std::optional<int64_t> id = id_of(info.path);
    if (!id) {
      check_references(info, all);
      const fs::path target = physical(info.path);
      if (each.tree != target) {
        remove_tree(target); // what a crash left
        check_errno(::rename(each.tree.c_str(), target.c_str()), "move into the store", target);
      }
      const std::string hash = info.nar_hash.to_string();
      const std::optional<std::string> deriver = info.deriver ? std::optional{info.deriver->base_name()} : std::nullopt;
      insert_path
          .bind_all(std::string_view{info.path.base_name()}, std::string_view{hash},
                    static_cast<int64_t>(info.nar_size_bytes), deriver, std::string_view{info.content_address})
          .run();
      id = db.last_insert_id();
      fresh.emplace_back(&info, *id);
    }
    for (const Signature& signature : info.signatures) {
      const std::string text = signature.to_string();
      insert_signature.bind_all(*id, std::string_view{text}).run();
    }
  }
  for (const auto& [info, id] : fresh) {
    for (const StorePath& reference : info->references) insert_reference.bind_all(id, id_of(reference).value()).run();
  }
  for (const auto& [info, id] : fresh) insert_unsynced.bind_all(id, std::string_view{boot}).run();
  transaction.commit();
  unsynced |= !fresh.empty();
}

LocalStore::LocalStore(const fs::path& root) : impl_(std::make_unique<Impl>(root)) { impl_->recover(); }

LocalStore::~LocalStore() {
  try {
    impl_->sync();
  } catch (const UserError&) { // it stays marked, and the next one syncs it
  }
}

const fs::path& LocalStore::root() const { return impl_->root; }
fs::path LocalStore::physical(const StorePath& path) const { return impl_->physical(path); }
fs::path LocalStore::store_folder() const { return impl_->store; }
fs::path LocalStore::log_path(const StorePath& drv) const { return impl_->logs / (drv.base_name() + ".log"); }

// --- query

bool LocalStore::is_valid(const StorePath& path) { return impl_->id_of(path).has_value(); }

std::optional<PathInfo> LocalStore::query(const StorePath& path) { return impl_->query(path); }

std::vector<StorePath> LocalStore::query_all() {
  std::vector<StorePath> paths;
  impl_->all_paths.bind_all();
  while (impl_->all_paths.step()) paths.push_back(stored_path(impl_->all_paths.text(0)));
  impl_->all_paths.reset();
  return paths;
}

std::optional<StorePath> LocalStore::find_by_digest(std::string_view digest) {
  if (digest.size() != kStorePathDigestLength) return std::nullopt;
  const std::string after = std::string{digest} + "-", before = std::string{digest} + "."; // "." follows "-"
  std::optional<StorePath> found;
  if (impl_->by_digest.bind_all(std::string_view{after}, std::string_view{before}).step())
    found = stored_path(impl_->by_digest.text(0));
  impl_->by_digest.reset();
  return found;
}

StorePathSet LocalStore::referrers(const StorePath& path) {
  StorePathSet paths;
  impl_->referrers_of.bind_all(std::string_view{path.base_name()});
  while (impl_->referrers_of.step()) paths.insert(stored_path(impl_->referrers_of.text(0)));
  impl_->referrers_of.reset();
  return paths;
}

StorePathSet LocalStore::closure(const StorePathSet& paths) {
  const std::vector<StorePath> ordered = closure_references_first(paths);
  return {ordered.begin(), ordered.end()};
}

std::vector<StorePath> LocalStore::closure_references_first(const StorePathSet& paths) {
  std::vector<StorePath> ordered;
  StorePathSet seen;
  struct Frame {
    StorePath path;
    std::vector<StorePath> references;
    size_t next = 0;
  };
  std::vector<Frame> stack;
  const auto enter = [&](const StorePath& path) {
    if (!seen.insert(path).second) return;
    const std::optional<int64_t> id = impl_->id_of(path);
    if (!id) throw UserError(path.full() + " is not in the store");
    Frame frame{.path = path, .references = {}};
    impl_->references_of.bind_all(*id);
    while (impl_->references_of.step()) frame.references.push_back(stored_path(impl_->references_of.text(0)));
    impl_->references_of.reset();
    std::ranges::sort(frame.references);
    stack.push_back(std::move(frame));
  };
  for (const StorePath& root : paths) {
    enter(root);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.references.size()) {
        enter(StorePath{top.references[top.next++]}); // a copy: the stack may move
      } else {
        ordered.push_back(std::move(top.path));
        stack.pop_back();
      }
    }
  }
  return ordered;
}

// --- add

PathInfo LocalStore::add_source(const fs::path& path, std::string_view name, const PathFilter& filter) {
  unwrap(check_store_path_name(name), path.string());
  // Hash before writing: what is there already costs no write. A small tree is kept for the writing after.
  std::vector<std::byte> kept;
  bool keep = true;
  Hasher hasher;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    hasher.update(bytes);
    if (keep && hasher.size_bytes() > kKeepInMemoryBytes) {
      keep = false;
      kept = {};
    }
    if (keep) kept.insert(kept.end(), bytes.begin(), bytes.end());
    return {};
  }};
  dump_path(path, writer, filter);
  unwrap(writer.finish(), path.string());
  const uint64_t size_bytes = hasher.size_bytes();
  const Hash hash = hasher.finish();
  const PathInfo info{.path = unwrap(make_source_path(name, hash), path.string()),
                      .nar_hash = hash,
                      .nar_size_bytes = size_bytes,
                      .content_address = content_address_of_nar(hash)};
  return add_nar(info, [&](const ByteSink& sink) {
    if (keep) return unwrap(sink(kept), path.string());
    NarWriter again{sink};
    dump_path(path, again, filter);
    unwrap(again.finish(), path.string());
  });
}

PathInfo LocalStore::add_text(std::string_view name, std::string_view contents, const StorePathSet& references) {
  return impl_->add_text(*this, name, contents, references, false);
}

PathInfo LocalStore::Impl::add_text(LocalStore& self, std::string_view name, std::string_view contents,
                                    const StorePathSet& references, bool is_ours) {
  const StorePath path = unwrap(make_text_path(name, as_bytes(contents), references), name);
  self.add_temp_root(path);
  if (std::optional<PathInfo> info = query(path)) return std::move(*info);
  std::string nar;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    nar.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }};
  unwrap(writer.file_begin({}, false, contents.size()), name);
  unwrap(writer.file_data(as_bytes(contents)), name);
  unwrap(writer.file_end(), name);
  unwrap(writer.finish(), name);
  const PathInfo info{.path = path,
                      .nar_hash = hash_text(nar),
                      .nar_size_bytes = nar.size(),
                      .references = references,
                      .content_address = "text:" + hash_text(contents).to_string()};
  return add_nar(self, info, [&](const ByteSink& sink) { unwrap(sink(as_bytes(nar)), name); }, is_ours);
}

PathInfo LocalStore::add_nar(const PathInfo& info, const std::function<void(const ByteSink&)>& produce) {
  return impl_->add_nar(*this, info, produce, false);
}

PathInfo LocalStore::Impl::add_nar(LocalStore& self, const PathInfo& info,
                                   const std::function<void(const ByteSink&)>& produce, bool is_ours) {
  self.add_temp_root(info.path);
  if (id_of(info.path)) {
    if (!info.signatures.empty()) self.add_signatures(info.path, info.signatures);
    return query(info.path).value();
  }
  check_references(info);
  const std::string subject = info.path.full();
  const TemporaryTree tree{*this};
  TreeWriter files{store_fd.get(), store, tree.name()};
  NarReader reader{files};
  Hasher hasher;
  std::optional<Error> failed;
  const ByteSink sink = [&](Bytes bytes) -> Result<void> {
    if (failed) return std::unexpected(*failed);
    hasher.update(bytes);
    if (hasher.size_bytes() > info.nar_size_bytes) {
      failed = Error{ErrorCode::mismatch, "its NAR is larger than the " + std::to_string(info.nar_size_bytes) +
                                              " bytes that were announced"};
    } else if (Result<void> fed = reader.feed(bytes); !fed) {
      failed = fed.error();
    }
    if (failed) return std::unexpected(*failed);
    return {};
  };
  try {
    produce(sink);
  } catch (const UserError&) { // most producers throw what the sink returned
    if (!failed) throw;
  }
  if (!failed) {
    if (Result<void> ended = reader.finish(); !ended) failed = ended.error();
  }
  if (failed && failed->code == ErrorCode::sink)
    throw UserError(failed->describe(subject),
                    failed->message.contains("No space left") ? "free some space, for example with kpkg store gc" : "");
  if (failed) throw UserError(UserErrorCode::refused, failed->describe(subject), kNothingAdded);
  const uint64_t size_bytes = hasher.size_bytes();
  const Hash hash = hasher.finish();
  if (hash != info.nar_hash || size_bytes != info.nar_size_bytes) {
    throw UserError(UserErrorCode::refused,
                    subject + ": its NAR has the hash " + hash.to_string() + " and " + std::to_string(size_bytes) +
                        " bytes, but " + info.nar_hash.to_string() + " and " + std::to_string(info.nar_size_bytes) +
                        " were announced",
                    kNothingAdded);
  }
  if (!is_ours) check_claims(info, tree.path());
  register_staged({{.info = info, .tree = tree.path()}});
  return query(info.path).value();
}

void LocalStore::add_signatures(const StorePath& path, const std::vector<Signature>& signatures) {
  const Impl::GcLock lock{*impl_, LOCK_SH};
  Transaction transaction{impl_->db};
  const std::optional<int64_t> id = impl_->id_of(path);
  if (!id) throw UserError("cannot sign " + path.full() + ": it is not in the store");
  for (const Signature& signature : signatures) {
    const std::string text = signature.to_string();
    impl_->insert_signature.bind_all(*id, std::string_view{text}).run();
  }
  transaction.commit();
}

void LocalStore::add_temp_root(const StorePath& path) {
  const std::string token = process_token(impl_->processes);
  if (!impl_->temporary_roots.insert(path.base_name()).second) return;
  const Impl::GcLock lock{*impl_, LOCK_SH};
  impl_->insert_temporary_root.bind_all(std::string_view{token}, std::string_view{path.base_name()}).run();
}

LockFile LocalStore::lock_path(const StorePath& path) { return LockFile{impl_->locks / path.base_name()}; }

// --- read

void LocalStore::dump_nar(const StorePath& path, const ByteSink& sink) {
  if (!impl_->id_of(path)) throw UserError(path.full() + " is not in the store");
  NarWriter writer{sink};
  dump_path(physical(path), writer);
  unwrap(writer.finish(), path.full());
}

// --- verify

std::vector<VerifyProblem> LocalStore::verify(bool check_contents) {
  std::vector<VerifyProblem> problems;
  for (const StorePath& path : query_all()) {
    const std::optional<PathInfo> info = query(path);
    if (!info) continue; // collected meanwhile
    std::error_code error;
    if (!fs::exists(fs::symlink_status(physical(path), error))) {
      if (is_valid(path)) problems.push_back({path, "missing on disk"});
      continue;
    }
    if (!check_contents) continue;
    try {
      const auto [hash, size_bytes] = hash_path(physical(path));
      if (hash != info->nar_hash || size_bytes != info->nar_size_bytes)
        problems.push_back(
            {path, "NAR hash is " + hash.to_string() + ", the database says " + info->nar_hash.to_string()});
      else
        impl_->check_claims(*info, physical(path));
    } catch (const UserError& failure) {
      if (is_valid(path)) problems.push_back({path, failure.what()});
    }
  }
  return problems;
}

} // namespace store
