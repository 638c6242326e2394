// Files: from paths of the language to the files they mean, import, the search path, and adding sources to the store.
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include <fstream>
#include <sys/stat.h>

namespace lang {

bool Machine::in_store(std::string_view path) const {
  return path.size() > options.store_dir.size() + 1 && path.starts_with(options.store_dir) &&
         path[options.store_dir.size()] == '/';
}

store::StorePath Machine::store_path_of(std::string_view path, Pos pos) const {
  if (!in_store(path))
    fail(ErrorKind::value, pos, "the path '" + std::string{path} + "' is not in the store " + options.store_dir);
  std::string_view base = path.substr(options.store_dir.size() + 1);
  base = base.substr(0, base.find('/'));
  auto parsed = store::StorePath::parse_base_name(base);
  if (!parsed) fail(ErrorKind::value, pos, parsed.error().describe("'" + std::string{path} + "'"));
  return *parsed;
}

std::string Machine::physical(std::string_view path) {
  if (!in_store(path)) return std::string{path};
  std::string_view base = path.substr(options.store_dir.size() + 1);
  const size_t slash = std::min(base.find('/'), base.size());
  const auto parsed = store::StorePath::parse_base_name(base.substr(0, slash));
  if (!parsed) return std::string{path};
  return store.physical(*parsed).string() + std::string{base.substr(slash)};
}

void Machine::realise(ContextBuilder& context, Pos pos) {
  if (context.empty()) return;
  for (const Symbol element : context.elements()) {
    const std::string_view text = symbols.text(element);
    with_store(pos, [&] {
      if (text.starts_with('!')) {
        const size_t second = text.find('!', 1);
        store.realise(store_path_of(text.substr(second + 1), pos), {std::string{text.substr(1, second - 1)}});
      } else {
        const store::StorePath path = store_path_of(text.starts_with('=') ? text.substr(1) : text, pos);
        if (!store.is_valid(path))
          fail(ErrorKind::store, pos, "path '" + full(path) + "' is not valid", "it is not in the store");
      }
    });
  }
}

std::map<std::string, Machine::FileType> Machine::embedded_folder(const std::string& path) const {
  std::map<std::string, FileType> entries;
  const std::string prefix = path.ends_with('/') ? path : path + '/';
  for (auto at = options.embedded_files.lower_bound(prefix);
       at != options.embedded_files.end() && at->first.starts_with(prefix); ++at) {
    const std::string_view rest = std::string_view{at->first}.substr(prefix.size());
    const size_t slash = rest.find('/');
    entries.emplace(rest.substr(0, slash), slash == std::string_view::npos ? FileType::regular : FileType::folder);
  }
  return entries;
}

Machine::FileType Machine::file_type(const std::string& path, bool follow_symlink) {
  if (options.embedded_files.contains(path)) return FileType::regular;
  if (!embedded_folder(path).empty()) return FileType::folder;
  if (in_store(path)) {
    const auto parsed = store::StorePath::parse_base_name(std::string_view{path}.substr(options.store_dir.size() + 1));
    if (parsed && store.text(*parsed)) return FileType::regular;
  }
  const std::string file = physical(path);
  struct stat info{};
  if ((follow_symlink ? stat(file.c_str(), &info) : lstat(file.c_str(), &info)) != 0) return FileType::missing;
  return S_ISREG(info.st_mode)   ? FileType::regular
         : S_ISDIR(info.st_mode) ? FileType::folder
         : S_ISLNK(info.st_mode) ? FileType::symlink
                                 : FileType::unknown;
}

void Machine::refuse_copy_of_embedded(const std::string& path, Pos pos) const {
  if (options.embedded_files.contains(path) || !embedded_folder(path).empty())
    fail(ErrorKind::unsupported, pos, "cannot copy '" + path + "' to the store: it is part of this program");
}

std::string Machine::read_file(const std::string& path, Pos pos) {
  if (const auto found = options.embedded_files.find(path); found != options.embedded_files.end())
    return std::string{found->second};
  if (in_store(path)) {
    const auto parsed = store::StorePath::parse_base_name(std::string_view{path}.substr(options.store_dir.size() + 1));
    if (parsed)
      if (auto text = store.text(*parsed)) return std::move(*text);
  }
  const std::string file = physical(path);
  struct stat info{};
  if (stat(file.c_str(), &info) != 0)
    fail(ErrorKind::io, pos, "cannot read '" + path + "': " + std::string{std::strerror(errno)});
  if (S_ISDIR(info.st_mode)) fail(ErrorKind::io, pos, "cannot read '" + path + "': it is a folder");
  std::ifstream stream{file, std::ios::binary};
  if (!stream) fail(ErrorKind::io, pos, "cannot read '" + path + "': " + std::string{std::strerror(errno)});
  std::string contents(static_cast<size_t>(info.st_size), '\0');
  stream.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  contents.resize(static_cast<size_t>(stream.gcount()));
  if (S_ISREG(info.st_mode) && info.st_size > 0) return contents;
  std::string rest{std::istreambuf_iterator<char>{stream}, {}}; // devices and /proc say they are empty
  return contents + rest;
}

Value Machine::eval_source(const Source& source, const std::string& base_dir, const ScopedNames* scoped) {
  const Expr* expr = parse(*this, source, base_dir, scoped);
  return expr->eval(*this, nullptr);
}

Value Machine::import_file(const std::string& path, Pos pos, const ScopedNames* scoped) {
  check_stack(pos);
  std::string file = path;
  if (file_type(file, true) == FileType::folder) file = canonical_path(file + "/default.nix");
  if (!scoped)
    if (const auto found = imported_.find(file); found != imported_.end()) return force(found->second, pos);
  // Relative paths in the file start where the language sees it, which for the store is its logical path.
  const Source& source = sources.add(file, read_file(file, pos), true);
  const Expr* expr = parse(*this, source, std::string{directory_of(file)}, scoped);
  if (scoped) return expr->eval(*this, nullptr);
  Value* value = thunk(nullptr, expr); // remembered before it is evaluated: files that import each other are found out
  imported_.emplace(file, value);
  return force(value, pos);
}

Value Machine::find_file(Value* search_path, std::string_view name, Pos pos) {
  for (Value* item : to_list(search_path, pos)) {
    const Bindings& entry = to_attrs(item, pos);
    std::string_view prefix;
    if (const Attr* attr = entry.find(names.prefix)) prefix = to_plain_string(attr->value, pos);
    ContextBuilder context;
    const std::string folder{coerce(force(need_attr(entry, names.path, pos, "an entry of the search path").value, pos),
                                    pos, context, Coerce::plain)};
    realise(context, pos);
    std::string candidate;
    if (prefix.empty()) {
      candidate = folder + "/" + std::string{name};
    } else if (name == prefix) {
      candidate = folder;
    } else if (name.starts_with(prefix) && name[prefix.size()] == '/') {
      candidate = folder + std::string{name.substr(prefix.size())};
    } else {
      continue;
    }
    candidate = canonical_path(candidate);
    if (file_type(candidate, true) != FileType::missing) return make_path(candidate);
  }
  fail(ErrorKind::io, pos, "file '" + std::string{name} + "' was not found in the search path",
       options.pure ? "in pure evaluation the search path has only what was given explicitly"
                    : "add it with -I " + std::string{name} + "=FOLDER");
}

Value Machine::copy_to_store(std::string_view path, Pos pos) {
  const std::string key{path};
  if (const auto found = copied_to_store_.find(key); found != copied_to_store_.end()) return found->second;
  if (path.ends_with(".drv"))
    fail(ErrorKind::value, pos, "file names are not allowed to end in '.drv', but '" + key + "' does");
  refuse_copy_of_embedded(key, pos);
  const std::string file = physical(path);
  struct stat info{};
  if (lstat(file.c_str(), &info) != 0)
    fail(ErrorKind::io, pos, "cannot copy '" + key + "' to the store: " + std::string{std::strerror(errno)});
  const store::StorePath added = with_store(pos, [&] { return store.add_source(file, base_name_of(path), {}); });
  ContextBuilder context;
  context.add(symbols.intern(full(added)));
  const Value result = make_string(full(added), context.finish(*this));
  copied_to_store_.emplace(key, result);
  return result;
}

} // namespace lang
