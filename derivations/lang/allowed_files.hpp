// Which files of the disk an evaluation may see: those below given folders, wherever links lead.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace lang {

enum class LastLink : uint8_t { followed, looked_at };

class AllowedFiles {
public:
  // A root that does not exist allows nothing. "/" is no root: it would be all files.
  explicit AllowedFiles(const std::vector<std::filesystem::path>& roots);

  // Whether the file that an absolute path leads to lies below a root. Of what does not exist: whether it would. A link
  // that leads nowhere is allowed only to be looked at.
  [[nodiscard]] bool contains(const std::string& path, LastLink last_link);
  // The same for one root that is not among those of this object.
  [[nodiscard]] bool is_below(const std::string& root, const std::string& path, LastLink last_link);

private:
  [[nodiscard]] std::optional<std::string> resolve(const std::string& path, LastLink last_link);
  [[nodiscard]] std::optional<std::string> resolve_folder(const std::string& path);
  std::vector<std::string> roots_;
  std::unordered_map<std::string, std::optional<std::string>> folders_; // where they really are
};

} // namespace lang
