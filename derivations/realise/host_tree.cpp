// Links are resolved by hand, one component at a time, because the tree records every link on the way.
#include "derivations/realise/host_tree.hpp"
#include "derivations/realise/elf_needed.hpp"
#include "store/local/local_store.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include "store/posix/user_error.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>

namespace realise {
namespace {
namespace fs = std::filesystem;

constexpr int kMaxLinks = 40; // followed for one path, as in Linux

// Where glibc on Debian looks without a cache, which is also all that there is in a sandbox.
constexpr std::array kLibraryFolders{
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"};

// A file of the host mapped for reading. Programs and libraries of a system are replaced, not rewritten in place.
class MappedFile {
public:
  explicit MappedFile(const fs::path& file) {
    const store::UniqueFd fd = store::open_file(file, O_RDONLY);
    struct stat status{};
    store::check_errno(::fstat(fd.get(), &status), "look at", file);
    size_ = static_cast<size_t>(status.st_size);
    if (size_ != 0) address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (address_ == MAP_FAILED) store::throw_errno("map", file);
  }
  ~MappedFile() {
    if (address_ != nullptr) ::munmap(address_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] store::Bytes bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

private:
  void* address_ = nullptr;
  size_t size_ = 0;
};

} // namespace

struct HostTree::Node {
  enum class Kind : uint8_t { folder, host_file, text, symlink } kind = Kind::folder;
  bool executable = false;
  std::string text;                                 // contents, link target, or host path
  std::map<std::string, Node, std::less<>> entries; // bytewise order, as in a NAR
  void list(const std::string& path, std::vector<std::string>& into) const {
    if (kind != Kind::folder) into.push_back(path);
    for (const auto& [name, node] : entries) node.list(path + "/" + name, into);
  }
  void write(std::string_view name, store::NarVisitor& visitor) const;
};

void HostTree::Node::write(std::string_view name, store::NarVisitor& visitor) const {
  const auto must = [&](store::Result<void> result) { store::unwrap(std::move(result), name); };
  const auto file = [&](store::Bytes contents) {
    must(visitor.file_begin(name, executable, contents.size()));
    if (!contents.empty()) must(visitor.file_data(contents));
    must(visitor.file_end());
  };
  switch (kind) {
  case Kind::folder:
    must(visitor.directory_begin(name));
    for (const auto& [entry, node] : entries) node.write(entry, visitor);
    must(visitor.directory_end());
    return;
  case Kind::host_file: return file(MappedFile{text}.bytes());
  case Kind::text: return file(store::as_bytes(text));
  case Kind::symlink: return must(visitor.symlink(name, text));
  }
}

HostTree::HostTree() : root_(std::make_unique<Node>()) {}
HostTree::~HostTree() = default;

HostTree::Node& HostTree::node_at(const fs::path& path) {
  Node* node = root_.get();
  for (const fs::path& part : path.relative_path()) {
    if (node->kind != Node::Kind::folder)
      throw store::UserError(path.string() + " would lie below a file or link of the same tree");
    node = &node->entries[part.string()];
  }
  return *node;
}

// Records the links on the way to `path` and returns where it really is: without links, "." and "..".
fs::path HostTree::enter(const fs::path& path) {
  fs::path real = "/";
  std::vector<fs::path> todo; // components, last first
  const auto push = [&](const fs::path& more) {
    std::vector<fs::path> parts{more.begin(), more.end()};
    todo.insert(todo.end(), parts.rbegin(), parts.rend());
  };
  push(path);
  for (int links = 0; !todo.empty();) {
    const fs::path part = todo.back();
    todo.pop_back();
    if (part == "/") {
      real = "/";
    } else if (part == "..") {
      real = real.parent_path();
    } else if (!part.empty() && part != ".") {
      const fs::path next = real / part;
      struct stat status{};
      if (::lstat(next.c_str(), &status) != 0)
        throw store::UserError(path.string() + " cannot be captured: " + next.string() + ": " + std::strerror(errno));
      if (!S_ISLNK(status.st_mode)) {
        real = next;
        continue;
      }
      if (++links > kMaxLinks) throw store::UserError(path.string() + " cannot be captured: too many symbolic links");
      const fs::path target = fs::read_symlink(next);
      add_symlink(next, target.string());
      push(target);
    }
  }
  return real;
}

void HostTree::add(const fs::path& host_path) { add_entered(enter(host_path)); }

void HostTree::add_entered(const fs::path& real) {
  if (!seen_.insert(real).second) return;
  struct stat status{};
  if (::lstat(real.c_str(), &status) != 0)
    throw store::UserError(real.string() + " cannot be captured: " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) {
    static_cast<void>(node_at(real)); // an empty folder is one, too
    for (const auto& entry : fs::directory_iterator{real}) add(entry.path());
    return;
  }
  if (!S_ISREG(status.st_mode)) throw store::UserError(real.string() + " cannot be captured: it is a special file");
  Node& node = node_at(real);
  node.kind = Node::Kind::host_file;
  node.executable = (status.st_mode & S_IXUSR) != 0;
  node.text = real.string();
  add_needs(real);
}

void HostTree::add_needs(const fs::path& program) {
  std::optional<ElfNeeds> needs;
  {
    const MappedFile file{program};
    if (file.bytes().size() > 18 && file.bytes()[16] == std::byte{1}) return; // an object file: loaded by nobody
    needs = read_elf_needs(file.bytes(), program.string());
  }
  if (!needs) return;
  if (!needs->interpreter.empty()) add(needs->interpreter);
  for (const std::string& library : needs->libraries) {
    std::vector<fs::path> candidates;
    if (library.contains('/')) candidates.emplace_back(library);
    for (std::string folder : needs->search) {
      if (folder.starts_with("$ORIGIN")) folder.replace(0, 7, program.parent_path().string());
      candidates.push_back(fs::path{folder} / library);
    }
    for (const char* folder : kLibraryFolders) candidates.push_back(fs::path{folder} / library);
    const auto found = std::ranges::find_if(candidates, [](const fs::path& file) {
      std::error_code error;
      return fs::exists(file, error);
    });
    if (found == candidates.end())
      throw store::UserError(program.string() + " needs the library " + library + ", which is not on this host");
    add(*found);
  }
}

void HostTree::add_symlink(const fs::path& path, std::string target) {
  Node& node = node_at(path);
  if (node.kind == Node::Kind::symlink && node.text == target) return;
  if (node.kind != Node::Kind::folder || !node.entries.empty())
    throw store::UserError(path.string() + " is in the tree already");
  node.kind = Node::Kind::symlink;
  node.text = std::move(target);
}

void HostTree::add_file(const fs::path& path, std::string contents) {
  Node& node = node_at(path);
  if (node.kind != Node::Kind::folder || !node.entries.empty())
    throw store::UserError(path.string() + " is in the tree already");
  node.kind = Node::Kind::text;
  node.text = std::move(contents);
}

std::vector<std::string> HostTree::files() const {
  std::vector<std::string> paths;
  root_->list("", paths);
  return paths;
}

void HostTree::write(store::NarVisitor& visitor) const { root_->write("", visitor); }

} // namespace realise
