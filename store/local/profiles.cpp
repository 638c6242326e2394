// Profiles: NAME -> NAME-N-link -> /kpkg/store/…. Every NAME-N-link is a garbage collector root. Switching replaces one
// symlink by rename(2): whoever looks sees the old generation or the new one.
#include "store/local/local_store_impl.hpp"
#include <algorithm>
#include <charconv>
#include <sys/file.h>
#include <sys/stat.h>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = "-link";

void check_profile_name(std::string_view name) {
  const bool plain =
      !name.empty() && name.size() <= 128 && name.front() != '.' && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
               c == '.';
      });
  if (!plain || name.ends_with(kSuffix))
    throw UserError("\"" + std::string{name} + "\" is no name for a profile",
                    "use letters, digits, \"-\", \"_\" and \".\", not \".\" at the beginning nor \"-link\" at the end");
}

std::string link_name(std::string_view profile, uint64_t number) {
  return std::string{profile} + "-" + std::to_string(number) + std::string{kSuffix};
}

// The N of «PROFILE-N-link».
std::optional<uint64_t> generation_number(std::string_view profile, std::string_view file_name) {
  if (!file_name.starts_with(profile) || !file_name.ends_with(kSuffix) ||
      file_name.size() < profile.size() + 1 + kSuffix.size())
    return std::nullopt;
  std::string_view middle = file_name.substr(profile.size(), file_name.size() - profile.size() - kSuffix.size());
  if (!middle.starts_with('-')) return std::nullopt;
  middle.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(middle.data(), middle.data() + middle.size(), number);
  if (error != std::errc{} || end != middle.data() + middle.size() || middle.empty()) return std::nullopt;
  return number;
}

} // namespace

std::vector<ProfileGeneration> LocalStore::generations(std::string_view profile) {
  check_profile_name(profile);
  std::error_code error;
  const std::string now = fs::read_symlink(impl_->profiles / profile, error).string();
  std::vector<ProfileGeneration> found;
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->profiles}) {
    const std::string name = entry.path().filename().string();
    const std::optional<uint64_t> number = generation_number(profile, name);
    if (!number) continue;
    const std::string target = fs::read_symlink(entry.path(), error).string();
    std::optional<StorePath> path = store_path_of_target(impl_->store, target);
    struct stat info{};
    if (error || !path || ::lstat(entry.path().c_str(), &info) != 0) continue;
    found.push_back(
        {.number = *number, .path = std::move(*path), .created_unix_s = info.st_mtim.tv_sec, .current = name == now});
  }
  std::ranges::sort(found, {}, &ProfileGeneration::number);
  return found;
}

uint64_t LocalStore::new_generation(std::string_view profile, const StorePath& path) {
  check_profile_name(profile);
  const LockFile lock{impl_->locks / ("profile-" + std::string{profile})};
  const Impl::GcLock not_collecting{*impl_, LOCK_SH}; // between the look at validity and the link
  if (!is_valid(path))
    throw UserError("cannot make " + path.full() + " a generation of \"" + std::string{profile} +
                    "\": it is not in the store");
  impl_->unsynced = true; // also what another process added must be on disk before a profile leads to it
  impl_->sync();
  const std::vector<ProfileGeneration> existing = generations(profile);
  uint64_t number = existing.empty() ? 1 : existing.back().number + 1;
  if (!existing.empty() && existing.back().path == path)
    number = existing.back().number;
  else
    replace_symlink(impl_->profiles / link_name(profile, number), path.full());
  replace_symlink(impl_->profiles / profile, link_name(profile, number));
  sync_folder(impl_->profiles);
  return number;
}

void LocalStore::switch_generation(std::string_view profile, uint64_t number) {
  check_profile_name(profile);
  const LockFile lock{impl_->locks / ("profile-" + std::string{profile})};
  const std::vector<ProfileGeneration> existing = generations(profile);
  if (!std::ranges::contains(existing, number, &ProfileGeneration::number)) {
    std::string known;
    for (const ProfileGeneration& generation : existing)
      known += (known.empty() ? "" : ", ") + std::to_string(generation.number);
    throw UserError("the profile \"" + std::string{profile} + "\" has no generation " + std::to_string(number),
                    known.empty() ? "it has none at all" : "it has " + known);
  }
  replace_symlink(impl_->profiles / profile, link_name(profile, number));
  sync_folder(impl_->profiles);
}

std::optional<StorePath> LocalStore::current(std::string_view profile) {
  for (const ProfileGeneration& generation : generations(profile))
    if (generation.current) return generation.path;
  return std::nullopt;
}

} // namespace store
