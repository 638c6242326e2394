// Files as the language sees them: from its paths to the files they mean, which may be part of the program, lie in the
// store or on the disk; import, the search path, and adding sources to the store.
#pragma once
#include "derivations/lang/allowed_files.hpp"
#include "derivations/lang/parser.hpp"
#include "derivations/lang/string_context.hpp"
#include "derivations/lang/value.hpp"
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lang {

struct Machine;

enum class FileType : uint8_t { missing, regular, folder, symlink, unknown };

// All paths are canonical. Failures are EvalErrors at the given position.
class Files {
public:
  explicit Files(Machine& m);

  // Fails where pure evaluation must not see what is at `path`.
  void check_access(const std::string& path, LastLink last_link, Pos pos);
  [[nodiscard]] std::string physical(std::string_view path); // where the file of a path of the language really is
  [[nodiscard]] FileType file_type(const std::string& path, bool follow_symlink); // missing: errno says why
  // (EACCES: also for what pure evaluation must not see)
  // Names and types of the entries of a folder among EvalOptions::embedded_files; nothing where it is none.
  [[nodiscard]] std::map<std::string, FileType> embedded_folder(const std::string& path) const;
  void refuse_copy_of_embedded(const std::string& path, Pos pos) const;
  // What `context` demands before a file can be read: builds outputs (import from derivation), checks sources.
  void realise(ContextBuilder& context, Pos pos);
  [[nodiscard]] std::string read_file(const std::string& path, Pos pos);
  // The value of a file, or of a folder's default.nix; evaluated once, unless with names of its own (scopedImport).
  [[nodiscard]] Value import_file(const std::string& path, Pos pos, const ScopedNames* scoped = nullptr);
  [[nodiscard]] Value eval_source(const Source& source, const std::string& base_dir, const ScopedNames* scoped);
  [[nodiscard]] Value find_file(Value* search_path, std::string_view name, Pos pos);
  // The store path (a string with context) of the tree at `path`, added to the store once.
  [[nodiscard]] Value copy_to_store(std::string_view path, Pos pos);

private:
  [[nodiscard]] std::optional<std::string> text_in_store(std::string_view path); // of what has no file (EvalStore)
  [[nodiscard]] bool may_see(const std::string& path, LastLink last_link);
  Machine& m_;
  std::optional<AllowedFiles> allowed_; // none: all files
  std::string followed_;                // the path last seen to be allowed, wherever it leads: mostly it is read next
  std::unordered_map<std::string, Value*> imported_;       // by file
  std::unordered_map<std::string, Value> copied_to_store_; // by path
};

} // namespace lang
