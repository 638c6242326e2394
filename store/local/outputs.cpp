// Taking over what a builder has made. Each tree is read once and written into fresh inodes in the same pass in which
// it is hashed: whatever descriptors and hard links to its files there are elsewhere, they lead to other inodes.
#include "store/local/content_address.hpp"
#include "store/local/local_store_impl.hpp"
#include "store/local/reference_scanner.hpp"

namespace store {

namespace fs = std::filesystem;

struct TakenOutputs::Trees {
  std::vector<std::unique_ptr<LocalStore::Impl::TemporaryTree>> trees;
};

TakenOutputs::TakenOutputs() : trees_(std::make_unique<Trees>()) {}
TakenOutputs::~TakenOutputs() = default;
TakenOutputs::TakenOutputs(TakenOutputs&&) noexcept = default;

namespace {

UserError build_error(const std::string& message, std::string hint = {}) {
  return {UserErrorCode::build, message, std::move(hint)};
}

// Passes a tree on to a writer of files and to a writer of a NAR.
class Tee final : public NarVisitor {
public:
  Tee(NarVisitor& files, NarVisitor& nar, const LocalStore::TakeLimits& limits, uint64_t& bytes)
      : files_(files), nar_(nar), limits_(limits), bytes_(bytes) {}
  Result<void> file_begin(std::string_view name, bool executable, uint64_t size_bytes) override {
    if (size_bytes > limits_.max_bytes - bytes_)
      return std::unexpected(Error{.code = ErrorCode::limit,
                                   .message = "\"" + std::string{name} + "\" has " + std::to_string(size_bytes) +
                                              " bytes: outputs may have " + std::to_string(limits_.max_bytes)});
    bytes_ += size_bytes;
    TRY_VOID(files_.file_begin(name, executable, size_bytes));
    return nar_.file_begin(name, executable, size_bytes);
  }
  Result<void> file_data(Bytes data) override {
    if (limits_.checkpoint) limits_.checkpoint();
    TRY_VOID(files_.file_data(data));
    return nar_.file_data(data);
  }
  Result<void> file_end() override {
    TRY_VOID(files_.file_end());
    return nar_.file_end();
  }
  Result<void> symlink(std::string_view name, std::string_view target) override {
    TRY_VOID(files_.symlink(name, target));
    return nar_.symlink(name, target);
  }
  Result<void> directory_begin(std::string_view name) override {
    if (limits_.checkpoint) limits_.checkpoint();
    TRY_VOID(files_.directory_begin(name));
    return nar_.directory_begin(name);
  }
  Result<void> directory_end() override {
    TRY_VOID(files_.directory_end());
    return nar_.directory_end();
  }

private:
  NarVisitor& files_;
  NarVisitor& nar_;
  const LocalStore::TakeLimits& limits_;
  uint64_t& bytes_; // of all outputs so far
};

// The content address that a fixed output promises, "" of any other.
std::string promised_address(const DerivationOutput& output) {
  if (!output.is_fixed()) return {};
  const bool recursive = output.method_algorithm.starts_with("r:");
  const HashAlgorithm algorithm = unwrap(
      parse_hash_algorithm(std::string_view{output.method_algorithm}.substr(recursive ? 2 : 0)), "a fixed output");
  return std::string{"fixed:"} + (recursive ? "r:" : "") +
         unwrap(Hash::parse(output.hash_base16, algorithm), "a fixed output").to_string();
}

void check_fixed_output(const std::string& subject, const PathInfo& info, const fs::path& tree) {
  if (!info.references.empty())
    throw build_error(subject + "its output refers to " + info.references.begin()->full() +
                      ", and a fixed output may refer to no store path");
  const bool flat = !info.content_address.starts_with("fixed:r:");
  if (flat && !is_plain_file(tree))
    throw build_error(subject + "its output is not a plain, non-executable file, as a flat hash needs",
                      "set outputHashMode = \"recursive\"");
  const std::string_view hash = std::string_view{info.content_address}.substr(flat ? 6 : 8);
  const Hash promised = unwrap(Hash::parse(hash), "a fixed output");
  const bool is_nar_hash = !flat && promised.algorithm == HashAlgorithm::sha256;
  const Hash found = is_nar_hash ? info.nar_hash : content_hash(tree, !flat, promised.algorithm);
  if (found != promised)
    throw build_error(subject + "its output does not have the promised hash\n  promised: " + promised.sri() +
                          "\n  built:    " + found.sri(),
                      "if the new content is what you want, write its hash into the derivation");
}

} // namespace

TakenOutputs LocalStore::take_outputs(const StorePath& drv_path, const std::map<std::string, fs::path>& trees,
                                      const StorePathSet& candidates, const TakeLimits& limits) {
  const Derivation derivation = read_derivation(drv_path);
  const std::string subject = "building “" + derivation.name + "” failed: ";
  StorePathSet wanted = candidates;
  for (const auto& [id, output] : derivation.outputs) wanted.insert(output.path.value());
  TakenOutputs taken;
  uint64_t bytes = 0;
  for (const auto& [id, output] : derivation.outputs) {
    add_temp_root(*output.path);
    const fs::path& from = trees.at(id);
    auto& tree = taken.trees_->trees.emplace_back(std::make_unique<Impl::TemporaryTree>(*impl_));
    TreeWriter files{impl_->store_fd.get(), impl_->store, tree->name()};
    ReferenceScanner scanner{wanted};
    Hasher hasher;
    NarWriter nar{[&](Bytes data) -> Result<void> {
      hasher.update(data);
      scanner.feed(data);
      return {};
    }};
    Tee tee{files, nar, limits, bytes};
    try {
      dump_path(from, tee, {}, Unreadable::made_readable);
      unwrap(nar.finish(), from.string());
    } catch (const UserError& error) {
      if (error.code() != UserErrorCode::failed) throw;
      throw build_error(subject + "its output “" + id + "” cannot be taken over: " + error.what(), error.hint());
    }
    const uint64_t size_bytes = hasher.size_bytes();
    const PathInfo info{.path = *output.path,
                        .nar_hash = hasher.finish(),
                        .nar_size_bytes = size_bytes,
                        .references = scanner.found(),
                        .deriver = drv_path,
                        .signatures = {},
                        .content_address = promised_address(output)};
    if (output.is_fixed()) check_fixed_output(subject, info, tree->path());
    taken.outputs_.emplace(id, TakenOutputs::Output{.info = info, .tree = tree->path()});
  }
  return taken;
}

std::vector<PathInfo> LocalStore::register_outputs(const TakenOutputs& outputs) {
  std::vector<Impl::Staged> staged;
  for (const auto& [id, output] : outputs.by_id())
    if (!impl_->id_of(output.info.path)) staged.push_back({.info = output.info, .tree = output.tree});
  if (!staged.empty()) impl_->register_staged(staged);
  std::vector<PathInfo> infos;
  for (const auto& [id, output] : outputs.by_id()) infos.push_back(query(output.info.path).value());
  return infos;
}

} // namespace store
