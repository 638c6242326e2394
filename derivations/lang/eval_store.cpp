#include "derivations/lang/eval_store.hpp"

namespace lang {

// --- over a local store

LocalEvalStore::LocalEvalStore(store::LocalStore& store, RealiseHook realise_hook)
    : store_(store), realise_hook_(std::move(realise_hook)) {}

store::StorePath LocalEvalStore::add_source(const std::filesystem::path& path, std::string_view name,
                                            const store::PathFilter& filter) {
  return store_.add_source(path, name, filter).path;
}
store::StorePath LocalEvalStore::add_text(std::string_view name, std::string_view contents,
                                          const store::StorePathSet& references) {
  return store_.add_text(name, contents, references).path;
}
store::StorePath LocalEvalStore::add_derivation(store::Derivation& derivation) {
  return store_.add_derivation(derivation);
}
store::Derivation LocalEvalStore::read_derivation(const store::StorePath& drv_path) {
  return store_.read_derivation(drv_path);
}
bool LocalEvalStore::is_valid(const store::StorePath& path) { return store_.is_valid(path); }
std::filesystem::path LocalEvalStore::physical(const store::StorePath& path) { return store_.physical(path); }
std::optional<std::string> LocalEvalStore::text(const store::StorePath&) { return std::nullopt; }
store::StorePathSet LocalEvalStore::references(const store::StorePath& path) {
  const auto info = store_.query(path);
  return info ? store::StorePathSet(info->references.begin(), info->references.end()) : store::StorePathSet{};
}
void LocalEvalStore::realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) {
  const store::Derivation derivation = store_.read_derivation(drv_path);
  bool complete = true;
  for (const std::string& id : outputs) {
    const auto output = derivation.outputs.find(id);
    if (output == derivation.outputs.end())
      throw store::UserError("derivation '" + drv_path.full() + "' has no output '" + id + "'");
    complete = complete && output->second.path && store_.is_valid(*output->second.path);
  }
  if (complete) return;
  if (!realise_hook_)
    throw store::UserError("evaluation needs the output of '" + drv_path.full() + "', which is not built",
                           "import from derivation is not available here; build it first");
  realise_hook_(drv_path, outputs);
}

// --- in memory

MemoryEvalStore::MemoryEvalStore(std::string store_dir)
    : store_dir_(std::move(store_dir)),
      hashes_(
          [this](const store::StorePath& path) -> store::Result<store::Derivation> {
            const auto found = derivations_.find(path);
            if (found != derivations_.end()) return found->second;
            return std::unexpected(
                store::Error{.code = store::ErrorCode::invalid,
                             .message = "derivation '" + path.full(store_dir_) + "' is not known to this evaluation"});
          },
          store_dir_) {}

store::StorePath MemoryEvalStore::add_source(const std::filesystem::path& path, std::string_view name,
                                             const store::PathFilter& filter) {
  const store::Hash hash = store::hash_path(path, filter).first;
  store::StorePath result = store::unwrap(store::make_source_path(name, hash, {}, false, store_dir_), name);
  sources_.insert_or_assign(result, path);
  return result;
}

store::StorePath MemoryEvalStore::add_text(std::string_view name, std::string_view contents,
                                           const store::StorePathSet& references) {
  store::StorePath result =
      store::unwrap(store::make_text_path(name, store::as_bytes(contents), references, store_dir_), name);
  texts_.insert_or_assign(result, Text{std::string{contents}, references});
  return result;
}

store::StorePath MemoryEvalStore::add_derivation(store::Derivation& derivation) {
  store::unwrap(hashes_.fill_output_paths(derivation), "derivation '" + derivation.name + "'");
  store::StorePath result = store::unwrap(derivation.drv_path(store_dir_), derivation.name);
  derivations_.insert_or_assign(result, derivation);
  return result;
}

store::Derivation MemoryEvalStore::read_derivation(const store::StorePath& drv_path) {
  const auto found = derivations_.find(drv_path);
  if (found == derivations_.end())
    throw store::UserError("derivation '" + drv_path.full(store_dir_) + "' is not known to this evaluation");
  return found->second;
}

bool MemoryEvalStore::is_valid(const store::StorePath& path) {
  return sources_.contains(path) || texts_.contains(path) || derivations_.contains(path);
}

std::filesystem::path MemoryEvalStore::physical(const store::StorePath& path) {
  const auto found = sources_.find(path);
  return found == sources_.end() ? std::filesystem::path{path.full(store_dir_)} : found->second;
}

std::optional<std::string> MemoryEvalStore::text(const store::StorePath& path) {
  if (const auto found = texts_.find(path); found != texts_.end()) return found->second.contents;
  if (const auto found = derivations_.find(path); found != derivations_.end())
    return found->second.to_aterm(store_dir_);
  return std::nullopt;
}

store::StorePathSet MemoryEvalStore::references(const store::StorePath& path) {
  if (const auto found = texts_.find(path); found != texts_.end()) return found->second.references;
  const auto found = derivations_.find(path);
  return found != derivations_.end() ? found->second.inputs() : store::StorePathSet{};
}

void MemoryEvalStore::realise(const store::StorePath& drv_path, const std::set<std::string>&) {
  throw store::UserError("evaluation needs the output of '" + drv_path.full(store_dir_) + "', which is not built",
                         "this evaluation writes nothing and builds nothing");
}

} // namespace lang
