#include "derivations/lang/allowed_files.hpp"
#include "derivations/lang/paths.hpp"
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <sys/stat.h>

namespace lang {

namespace {

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype([](char* text) { std::free(text); })> real{::realpath(path.c_str(), nullptr)};
  return real ? std::optional<std::string>{real.get()} : std::nullopt;
}

bool lies_below(const std::string& root, const std::string& path) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

} // namespace

AllowedFiles::AllowedFiles(const std::vector<std::filesystem::path>& roots) {
  for (const std::filesystem::path& root : roots)
    if (auto real = real_path(root.string()); real && *real != "/") roots_.push_back(std::move(*real));
}

// A folder's own path, or that of what is missing below the nearest folder that exists.
std::optional<std::string> AllowedFiles::resolve_folder(const std::string& path) {
  if (const auto found = folders_.find(path); found != folders_.end()) return found->second;
  std::optional<std::string> real = real_path(path);
  struct stat info{};
  if (!real && errno == ENOENT && path != "/" && ::lstat(path.c_str(), &info) != 0)
    if (const auto parent = resolve_folder(std::string{directory_of(path)}))
      real = *parent + "/" + std::string{base_name_of(path)};
  folders_.emplace(path, real);
  return real;
}

std::optional<std::string> AllowedFiles::resolve(const std::string& path, LastLink last_link) {
  if (path == "/") return path;
  if (path.size() >= PATH_MAX) return std::nullopt; // nor could it be opened
  const auto folder = resolve_folder(std::string{directory_of(path)});
  if (!folder) return std::nullopt;
  struct stat info{};
  const std::string here = *folder + "/" + std::string{base_name_of(path)};
  const bool follow = last_link == LastLink::followed && ::lstat(here.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  return follow ? real_path(here) : here;
}

bool AllowedFiles::contains(const std::string& path, LastLink last_link) {
  const auto real = resolve(path, last_link);
  return real && std::ranges::any_of(roots_, [&](const std::string& root) { return lies_below(root, *real); });
}

bool AllowedFiles::is_below(const std::string& root, const std::string& path, LastLink last_link) {
  const auto real = resolve(path, last_link), real_root = resolve_folder(root);
  return real && real_root && lies_below(*real_root, *real);
}

} // namespace lang
