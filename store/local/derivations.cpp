// Derivations in the store: written with the outputs that follow from them, and taken from elsewhere only when what
// they state follows from what they say. Whoever reads one checks it again, so that one which an older program let in,
// or somebody put there by hand, builds nothing.
#include "store/local/local_store_impl.hpp"
#include "store/posix/file_io.hpp"
#include <fcntl.h>
#include <sys/stat.h>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxDerivationBytes = size_t{64} << 20;

constexpr const char* kNotOfOurMaking = "whoever made it did not make it with kpkg or Nix, or means harm";

// The text of a plain file without the executable bit, as a text path is one.
std::string read_text(const fs::path& file, const StorePath& shown) {
  const UniqueFd fd = open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat info{};
  check_errno(::fstat(fd.get(), &info), "look at", file);
  if (!S_ISREG(info.st_mode) || (info.st_mode & S_IXUSR) != 0)
    throw UserError(UserErrorCode::refused, shown.full() + " is no derivation: it is not a plain file");
  return read_all(fd.get(), shown.full(), kMaxDerivationBytes);
}

[[noreturn]] void refuse(const StorePath& path, const std::string& reason) {
  throw UserError(UserErrorCode::refused, path.full() + " is refused: " + reason, kNotOfOurMaking);
}

} // namespace

Result<Derivation> LocalStore::Impl::load_derivation(const StorePath& drv_path) {
  const auto invalid = [&](const std::string& why) {
    return std::unexpected(Error{.code = ErrorCode::invalid, .message = drv_path.full() + " " + why});
  };
  if (!id_of(drv_path)) return invalid("is not in the store");
  try {
    return Derivation::parse_file(read_text(physical(drv_path), drv_path), drv_path);
  } catch (const UserError& error) {
    return invalid(std::string{"cannot be read: "} + error.what());
  }
}

Derivation LocalStore::Impl::checked_derivation(const StorePath& drv_path, const fs::path& file) {
  Result<Derivation> derivation = derivation_hashes.admit(read_text(file, drv_path), drv_path);
  if (!derivation) refuse(drv_path, derivation.error().message);
  return std::move(*derivation);
}

void LocalStore::Impl::check_claims(const PathInfo& info, const fs::path& tree) {
  if (info.path.is_derivation()) {
    if (info.references != checked_derivation(info.path, tree).inputs())
      refuse(info.path, "what it refers to is not what the derivation needs");
  }
  if (info.deriver && id_of(*info.deriver)) {
    const Derivation deriver = checked_derivation(*info.deriver, physical(*info.deriver));
    if (std::ranges::none_of(deriver.outputs, [&](const auto& output) { return output.second.path == info.path; }))
      refuse(info.path, "it is said to be made by " + info.deriver->full() + ", which makes other paths");
  }
  if (!info.content_address.empty()) {
    if (const std::string wrong = wrong_content_address(info, tree); !wrong.empty()) refuse(info.path, wrong);
  }
}

StorePath LocalStore::add_derivation(Derivation& derivation) {
  const std::string subject = "derivation '" + derivation.name + "'";
  unwrap(impl_->derivation_hashes.fill_output_paths(derivation), subject);
  for (const auto& [id, output] : derivation.outputs)
    if (output.path->is_derivation())
      throw UserError(subject + ": its output '" + id + "' would have the name of a derivation");
  return impl_->add_text(*this, derivation.name + ".drv", derivation.to_aterm(), derivation.inputs(), true).path;
}

Derivation LocalStore::read_derivation(const StorePath& drv_path) {
  if (!drv_path.is_derivation()) throw UserError(drv_path.full() + " is no derivation: its name does not end in .drv");
  if (!impl_->id_of(drv_path)) throw UserError(drv_path.full() + " is not in the store");
  return impl_->checked_derivation(drv_path, impl_->physical(drv_path));
}

} // namespace store
