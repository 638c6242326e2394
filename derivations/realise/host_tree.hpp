// A file tree put together from files of the host at their own paths, without copying them: which files, folders and
// symbolic links it has is recorded here, and their contents are read when the tree is written out as a NAR.
//
// A path is entered component by component: where the host has a symbolic link, so has the tree, and what the link
// leads to is entered too. Programs and libraries bring the loader and the libraries that they name, found where the
// loader would find them. The tree holds nothing else, no owners and no times: the same host files give the same NAR.
#pragma once
#include "store/format/nar.hpp"
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace realise {

class HostTree {
public:
  HostTree();
  ~HostTree();
  // A file, or a folder with everything in it. Throws UserError when it does not exist. Entering twice is harmless.
  void add(const std::filesystem::path& host_path);
  // A link or a small file that the host does not have. The parent folders are made.
  void add_symlink(const std::filesystem::path& path, std::string target);
  void add_file(const std::filesystem::path& path, std::string contents);
  [[nodiscard]] std::vector<std::string> files() const; // paths of all files and links, sorted
  void write(store::NarVisitor& visitor) const;         // throws UserError

private:
  struct Node;
  Node& node_at(const std::filesystem::path& path);
  std::filesystem::path enter(const std::filesystem::path& path);
  void add_entered(const std::filesystem::path& real);
  void add_needs(const std::filesystem::path& program);
  std::unique_ptr<Node> root_;
  std::set<std::filesystem::path> seen_; // real paths that have been added
};

} // namespace realise
