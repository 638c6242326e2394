// Builtins on files and store paths.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include <dirent.h>
#include <sys/stat.h>

namespace lang {

namespace {

// The path of an argument, after what its context demands.
std::string path_argument(Machine& m, Pos pos, Value* arg) {
  ContextBuilder context;
  std::string path = coerce_to_path(m, arg, pos, context);
  m.files.realise(context, pos);
  return path;
}

Value to_path(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const std::string path = coerce_to_path(m, args[0], pos, context);
  return m.make_string(path, context.finish(m.arena));
}

Value path_exists(Machine& m, Pos pos, Value** args) {
  return Value::of_boolean(m.files.file_type(path_argument(m, pos, args[0]), false) != FileType::missing);
}

Value read_file_(Machine& m, Pos pos, Value** args) {
  const std::string path = path_argument(m, pos, args[0]);
  const std::string text = m.files.read_file(path, pos);
  if (text.contains('\0'))
    m.fail(ErrorKind::io, pos, "the file '" + path + "' cannot be a string: it contains a NUL byte");
  ContextBuilder context;
  if (m.prefix.contains(path)) // what the file refers to, the string refers to
    for (const store::StorePath& reference :
         m.with_store(pos, [&] { return m.store.references(m.store_path_of(path, pos)); })) {
      if (text.contains(reference.digest())) context.add(m.context_symbol({.path = reference}));
    }
  return m.make_string(text, context.finish(m.arena));
}

std::string_view type_name(FileType type) {
  switch (type) {
  case FileType::regular: return "regular";
  case FileType::folder: return "directory";
  case FileType::symlink: return "symlink";
  case FileType::missing:
  case FileType::unknown: break;
  }
  return "unknown";
}

Value read_file_type(Machine& m, Pos pos, Value** args) {
  const std::string path = path_argument(m, pos, args[0]);
  m.files.check_access(path, LastLink::looked_at, pos);
  const FileType type = m.files.file_type(path, false);
  if (type == FileType::missing)
    m.fail(ErrorKind::io, pos, "cannot look at '" + path + "': " + std::string{std::strerror(errno)});
  return *m.symbol_string(m.symbols.intern(type_name(type)));
}

FileType type_of(const dirent& entry) {
  switch (entry.d_type) {
  case DT_REG: return FileType::regular;
  case DT_DIR: return FileType::folder;
  case DT_LNK: return FileType::symlink;
  default: return FileType::unknown;
  }
}

Value read_dir(Machine& m, Pos pos, Value** args) {
  const std::string path = path_argument(m, pos, args[0]);
  std::map<std::string, FileType> entries = m.files.embedded_folder(path);
  if (entries.empty()) {
    m.files.check_access(path, LastLink::followed, pos);
    const std::unique_ptr<DIR, decltype([](DIR* d) { closedir(d); })> directory{
        opendir(m.files.physical(path).c_str())};
    if (!directory)
      m.fail(ErrorKind::io, pos, "cannot read the folder '" + path + "': " + std::string{std::strerror(errno)});
    while (const dirent* entry = readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      // Some file systems do not say.
      entries.emplace(name,
                      entry->d_type == DT_UNKNOWN ? m.files.file_type(path + "/" + name, false) : type_of(*entry));
    }
  }
  Bindings* result = m.new_bindings(entries.size());
  for (const auto& [name, type] : entries)
    result->items[result->size++] = {m.symbols.intern(name), {}, m.symbol_string(m.symbols.intern(type_name(type)))};
  Machine::sort(*result);
  return Value::of_attrs(result);
}

Value find_file_(Machine& m, Pos pos, Value** args) {
  return m.files.find_file(args[0], m.to_plain_string(args[1], pos), pos);
}

Value hash_file(Machine& m, Pos pos, Value** args) {
  const std::string name{m.to_plain_string(args[0], pos)};
  const auto algorithm = store::parse_hash_algorithm(name);
  if (!algorithm)
    m.fail(ErrorKind::value, pos, "unknown hash algorithm '" + name + "'", "known are md5, sha1, sha256 and sha512");
  return m.make_string(store::hash_text(m.files.read_file(path_argument(m, pos, args[1]), pos), *algorithm).base16());
}

Value path_value(Machine& m, const store::StorePath& path) { return m.make_string(m.full(path), {.path = path}); }

Value to_file(Machine& m, Pos pos, Value** args) {
  const std::string name{m.to_plain_string(args[0], pos)};
  ContextBuilder context;
  const std::string_view contents = m.to_string(args[1], pos, &context);
  store::StorePathSet references;
  for (const Symbol symbol : context.elements()) {
    const ContextElement element = m.context_element(symbol);
    if (element.kind != ContextElement::Kind::path)
      m.fail(ErrorKind::value, pos,
             "the file '" + name + "' cannot refer to the output of a derivation ('" + m.full(element.path) + "')",
             "toFile can refer to sources and other files only; a derivation can write what refers to derivations");
    references.insert(element.path);
  }
  return path_value(m, m.with_store(pos, [&] { return m.store.add_text(name, contents, references); }));
}

Value store_path(Machine& m, Pos pos, Value** args) {
  if (m.options.pure)
    m.fail(ErrorKind::restricted, pos, "storePath is not allowed in pure evaluation", "--impure allows it");
  ContextBuilder context;
  const std::string path = coerce_to_path(m, args[0], pos, context);
  const store::StorePath top = m.store_path_of(path, pos);
  if (!m.with_store(pos, [&] { return m.store.is_valid(top); }))
    m.fail(ErrorKind::store, pos, "path '" + m.full(top) + "' is not valid", "it is not in the store");
  context.add(m.context_symbol({.path = top}));
  return m.make_string(path, context.finish(m.arena));
}

// A source in the store, of what `filter` (null: everything) lets through.
Value add_source(Machine& m, Pos pos, const std::string& path, std::string_view name, Value* filter,
                 const std::optional<store::Hash>& expected) {
  m.files.refuse_copy_of_embedded(path, pos);
  m.files.check_access(path, LastLink::looked_at, pos);
  const std::string root = m.files.physical(path);
  struct stat info{};
  if (lstat(root.c_str(), &info) != 0)
    m.fail(ErrorKind::io, pos, "cannot copy '" + path + "' to the store: " + std::string{std::strerror(errno)});
  store::PathFilter accepts;
  if (filter)
    accepts = [&](const std::filesystem::path& file, std::filesystem::file_type type) {
      const std::string_view kind = type == std::filesystem::file_type::regular     ? "regular"
                                    : type == std::filesystem::file_type::directory ? "directory"
                                    : type == std::filesystem::file_type::symlink   ? "symlink"
                                                                                    : "unknown";
      // The language sees the path that it knows, not where the file really is.
      const std::string shown = path + file.string().substr(std::min(root.size(), file.string().size()));
      Value* both[] = {m.box(m.make_string(shown)), m.box(m.make_string(kind))};
      return m.is_true(m.apply(m.force(filter, pos), both, 2, pos), pos);
    };
  return m.with_store(pos, [&] {
    const store::StorePath added = m.store.add_source(root, name, accepts);
    if (expected) {
      const store::StorePath wanted =
          store::unwrap(store::make_source_path(name, *expected, {}, false, m.options.store_dir), name);
      if (wanted != added)
        m.fail(ErrorKind::store, pos,
               "store path mismatch for '" + path + "': the contents give '" + m.full(added) +
                   "', but its sha256 says '" + m.full(wanted) + "'");
    }
    return path_value(m, added);
  });
}

Value filter_source(Machine& m, Pos pos, Value** args) {
  const std::string path = path_argument(m, pos, args[1]);
  (void)m.to_function(args[0], pos);
  return add_source(m, pos, path, base_name_of(path), args[0], std::nullopt);
}

Value path_(Machine& m, Pos pos, Value** args) {
  std::string path, name;
  Value* filter = nullptr;
  std::optional<store::Hash> expected;
  for (const Attr& attr : m.to_attrs(args[0], pos)) {
    const Pos at = attr.pos ? attr.pos : pos;
    if (attr.name == m.names.path) {
      path = path_argument(m, at, attr.value);
    } else if (attr.name == m.names.name) {
      name = m.to_plain_string(attr.value, at);
    } else if (attr.name == m.names.filter) {
      (void)m.to_function(attr.value, at);
      filter = attr.value;
    } else if (attr.name == m.names.recursive) {
      if (!m.to_boolean(attr.value, at))
        m.fail(ErrorKind::unsupported, at, "builtins.path with recursive = false is not supported");
    } else if (attr.name == m.names.sha256) {
      auto hash = store::Hash::parse(m.to_plain_string(attr.value, at), store::HashAlgorithm::sha256);
      if (!hash) m.fail(ErrorKind::value, at, hash.error().describe("sha256"));
      expected = *hash;
    } else {
      m.fail(ErrorKind::call, at,
             "unsupported argument '" + std::string{m.symbols.text(attr.name)} + "' to builtins.path",
             "known are path, name, filter, recursive and sha256");
    }
  }
  if (path.empty()) m.fail(ErrorKind::call, pos, "'path' required");
  if (name.empty()) name = base_name_of(path);
  return add_source(m, pos, path, name, filter, expected);
}

constexpr Primop kBuiltins[] = {
    {"toPath", 1, to_path, "s", "The absolute path `s` as a string in its shortest form. Outdated: /. + s is a path."},
    {"pathExists", 1, path_exists, "path", "Whether there is something at `path`."},
    {"readFile", 1, read_file_, "path", "The contents of a file."},
    {"readFileType", 1, read_file_type, "path", "\"regular\", \"directory\", \"symlink\" or \"unknown\"."},
    {"readDir", 1, read_dir, "path", "A set of the names in a folder, with their types as in readFileType."},
    {"findFile", 2, find_file_, "searchPath name",
     "What <name> means with the given search path, a list of { prefix; path; }."},
    {"hashFile", 2, hash_file, "algorithm path", "The hash of a file's contents in base 16."},
    {"toFile", 2, to_file, "name s", "The store path of a file with the contents `s`."},
    {"storePath", 1, store_path, "path",
     "A path in the store as a string that refers to it. Not allowed in pure evaluation."},
    {"filterSource", 2, filter_source, "f path",
     "The store path of a copy of `path` with the files and folders for which `f path type` is true."},
    {"path", 1, path_, "attrs", "The store path of a copy of { path; name ? …; filter ? …; sha256 ? …; }."},
};

} // namespace

std::span<const Primop> file_builtins() { return kBuiltins; }

} // namespace lang
