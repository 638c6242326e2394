#include "registry-server/protocols/derivation_check.hpp"
#include "registry-server/protocols/archive.hpp"
#include "store/posix/user_error.hpp"
#include <algorithm>

namespace registry {

namespace {

constexpr uint64_t kMaxDerivationBytes = uint64_t{64} << 20;

[[noreturn]] void refuse(const store::StorePath& path, const std::string& reason) {
  throw store::UserError(store::UserErrorCode::refused, path.base_name() + " is refused: " + reason);
}

// The text of a NAR that is one plain file.
class TextOfNar final : public store::NarVisitor {
public:
  std::string text;
  store::Result<void> file_begin(std::string_view name, bool executable, uint64_t size_bytes) override {
    if (!name.empty() || executable || size_bytes > kMaxDerivationBytes) return no_text();
    text.reserve(size_bytes);
    return {};
  }
  store::Result<void> file_data(store::Bytes data) override {
    text.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }
  store::Result<void> file_end() override { return {}; }
  store::Result<void> symlink(std::string_view, std::string_view) override { return no_text(); }
  store::Result<void> directory_begin(std::string_view) override { return no_text(); }
  store::Result<void> directory_end() override { return {}; }

private:
  static store::Result<void> no_text() {
    return std::unexpected(store::Error{.code = store::ErrorCode::mismatch,
                                        .message = "a derivation is one plain file of at most 64 MiB"});
  }
};

} // namespace

DerivationCheck::DerivationCheck(Catalog& catalog, Blobs& blobs, const std::string& store_dir)
    : catalog_(catalog), blobs_(blobs), store_dir_(store_dir),
      hashes_([this](const store::StorePath& path) { return load(path); }, store_dir) {}

store::Result<store::Derivation> DerivationCheck::load(const store::StorePath& drv_path) {
  const auto lost = [&] {
    return std::unexpected(store::Error{.code = store::ErrorCode::invalid,
                                        .message = drv_path.base_name() + " is not here: upload it first"});
  };
  const auto text = catalog_.find_narinfo(drv_path.digest());
  if (!text) return lost();
  const auto narinfo = store::NarInfo::parse(*text, store_dir_);
  if (!narinfo || narinfo->info.path != drv_path) return lost();
  const auto blob = catalog_.find_archive(std::string_view{narinfo->url}.substr(std::string_view{"nar/"}.size()));
  const auto archive = blob ? blobs_.open(blob->hash) : std::nullopt;
  if (!archive || !is_readable(narinfo->compression)) return lost();
  TextOfNar nar;
  read_archive(*archive, *narinfo, nar);
  return store::Derivation::parse_file(nar.text, drv_path, store_dir_);
}

void DerivationCheck::check(const store::NarInfo& narinfo, const OpenBlob& archive) {
  const store::StorePath& path = narinfo.info.path;
  const std::scoped_lock lock{mutex_};
  if (path.is_derivation()) {
    TextOfNar nar;
    read_archive(archive, narinfo, nar);
    const auto derivation = hashes_.admit(nar.text, path);
    if (!derivation) refuse(path, derivation.error().message);
    if (narinfo.info.references != derivation->inputs())
      refuse(path, "what it refers to is not what the derivation needs");
  }
  if (narinfo.info.deriver && catalog_.find_narinfo(narinfo.info.deriver->digest())) {
    const auto deriver = load(*narinfo.info.deriver);
    if (!deriver ||
        std::ranges::none_of(deriver->outputs, [&](const auto& output) { return output.second.path == path; }))
      refuse(path, "its deriver " + narinfo.info.deriver->base_name() + " does not make it");
  }
}

} // namespace registry
