#include "derivations/lang/files.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include "store/posix/file_io.hpp"
#include <fcntl.h>
#include <sys/stat.h>

namespace lang {

Files::Files(Machine& m) : m_(m) {
  if (m.options.pure && m.options.allowed_paths) allowed_.emplace(*m.options.allowed_paths);
}

bool Files::may_see(const std::string& path, LastLink last_link) {
  if (!allowed_ || m_.options.embedded_files.contains(path) || !embedded_folder(path).empty()) return true;
  if (!m_.prefix.contains(path)) {
    if (last_link == LastLink::looked_at) return allowed_->contains(path, last_link);
    if (path == followed_) return true;
    if (!allowed_->contains(path, last_link)) return false;
    followed_ = path;
    return true;
  }
  const auto place = m_.prefix.split(path);
  if (!place || !m_.store.is_valid(place->path)) return false;
  const std::string file = m_.store.physical(place->path).string();
  return text_in_store(path) || allowed_->is_below(std::string{directory_of(file)}, physical(path), last_link) ||
         allowed_->contains(physical(path), last_link); // a source of an evaluation that writes nothing
}

void Files::check_access(const std::string& path, LastLink last_link, Pos pos) {
  if (may_see(path, last_link)) return;
  m_.fail(ErrorKind::restricted, pos, "'" + path + "' is outside of what pure evaluation may see",
          "it sees the project (the folder of the file, or its repository) and valid paths of the store; more by "
          "-I FOLDER, and everything by --impure");
}

std::string Files::physical(std::string_view path) {
  if (!m_.prefix.contains(path)) return std::string{path};
  const auto place = m_.prefix.split(path);
  return place ? m_.store.physical(place->path).string() + std::string{place->rest} : std::string{path};
}

std::optional<std::string> Files::text_in_store(std::string_view path) {
  if (!m_.prefix.contains(path)) return std::nullopt;
  const auto place = m_.prefix.split(path);
  return place && place->rest.empty() ? m_.store.text(place->path) : std::nullopt;
}

void Files::realise(ContextBuilder& context, Pos pos) {
  if (context.empty()) return;
  for (const Symbol symbol : context.elements()) {
    const ContextElement element = m_.context_element(symbol);
    m_.with_store(pos, [&] {
      if (element.kind == ContextElement::Kind::output)
        m_.store.realise(element.path, {element.output});
      else if (!m_.store.is_valid(element.path))
        m_.fail(ErrorKind::store, pos, "path '" + m_.full(element.path) + "' is not valid", "it is not in the store");
    });
  }
}

std::map<std::string, FileType> Files::embedded_folder(const std::string& path) const {
  std::map<std::string, FileType> entries;
  const std::string prefix = path.ends_with('/') ? path : path + '/';
  for (auto at = m_.options.embedded_files.lower_bound(prefix);
       at != m_.options.embedded_files.end() && at->first.starts_with(prefix); ++at) {
    const std::string_view rest = std::string_view{at->first}.substr(prefix.size());
    const size_t slash = rest.find('/');
    entries.emplace(rest.substr(0, slash), slash == std::string_view::npos ? FileType::regular : FileType::folder);
  }
  return entries;
}

FileType Files::file_type(const std::string& path, bool follow_symlink) {
  if (m_.options.embedded_files.contains(path)) return FileType::regular;
  if (!embedded_folder(path).empty()) return FileType::folder;
  if (text_in_store(path)) return FileType::regular;
  if (!may_see(path, follow_symlink ? LastLink::followed : LastLink::looked_at)) {
    errno = EACCES;
    return FileType::missing;
  }
  const std::string file = physical(path);
  struct stat info{};
  if ((follow_symlink ? stat(file.c_str(), &info) : lstat(file.c_str(), &info)) != 0) return FileType::missing;
  return S_ISREG(info.st_mode)   ? FileType::regular
         : S_ISDIR(info.st_mode) ? FileType::folder
         : S_ISLNK(info.st_mode) ? FileType::symlink
                                 : FileType::unknown;
}

void Files::refuse_copy_of_embedded(const std::string& path, Pos pos) const {
  if (m_.options.embedded_files.contains(path) || !embedded_folder(path).empty())
    m_.fail(ErrorKind::unsupported, pos, "cannot copy '" + path + "' to the store: it is part of this program");
}

std::string Files::read_file(const std::string& path, Pos pos) {
  if (const auto found = m_.options.embedded_files.find(path); found != m_.options.embedded_files.end())
    return std::string{found->second};
  check_access(path, LastLink::followed, pos);
  if (auto text = text_in_store(path)) return std::move(*text);
  const std::string file = physical(path);
  const auto fail = [&](const std::string& why) { m_.fail(ErrorKind::io, pos, "cannot read '" + path + "': " + why); };
  const store::UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat info{};
  if (!fd || fstat(fd.get(), &info) != 0) fail(std::strerror(errno));
  if (S_ISDIR(info.st_mode)) fail("it is a folder");
  if (!S_ISREG(info.st_mode)) fail("it is a device, a pipe or a socket"); // which might never end
  try {
    return store::read_all(fd.get(), path);
  } catch (const store::UserError& error) {
    m_.fail(ErrorKind::io, pos, error.what(), error.hint());
  }
}

Value Files::eval_source(const Source& source, const std::string& base_dir, const ScopedNames* scoped) {
  const Expr* expr = parse(m_, source, base_dir, scoped);
  return expr->eval(m_, nullptr);
}

Value Files::import_file(const std::string& path, Pos pos, const ScopedNames* scoped) {
  m_.check_stack(pos);
  std::string file = path;
  if (file_type(file, true) == FileType::folder) file = canonical_path(file + "/default.nix");
  if (!scoped)
    if (const auto found = imported_.find(file); found != imported_.end()) return m_.force(found->second, pos);
  // Relative paths in the file start where the language sees it, which for the store is its logical path.
  const Source& source = m_.sources.add(file, read_file(file, pos), true);
  const Expr* expr = parse(m_, source, std::string{directory_of(file)}, scoped);
  if (scoped) return expr->eval(m_, nullptr);
  Value* value =
      m_.thunk(nullptr, expr); // remembered before it is evaluated: files that import each other are found out
  imported_.emplace(file, value);
  return m_.force(value, pos);
}

Value Files::find_file(Value* search_path, std::string_view name, Pos pos) {
  for (Value* item : m_.to_list(search_path, pos)) {
    const Bindings& entry = m_.to_attrs(item, pos);
    std::string_view prefix;
    if (const Attr* attr = entry.find(m_.names.prefix)) prefix = m_.to_plain_string(attr->value, pos);
    ContextBuilder context;
    const std::string folder{
        coerce(m_, m_.force(m_.need_attr(entry, m_.names.path, pos, "an entry of the search path").value, pos), pos,
               context, Coerce::plain)};
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
    if (file_type(candidate, true) != FileType::missing) return m_.make_path(candidate);
  }
  m_.fail(ErrorKind::io, pos, "file '" + std::string{name} + "' was not found in the search path",
          m_.options.pure ? "in pure evaluation the search path has only what was given explicitly"
                          : "add it with -I " + std::string{name} + "=FOLDER");
}

Value Files::copy_to_store(std::string_view path, Pos pos) {
  const std::string key{path};
  if (const auto found = copied_to_store_.find(key); found != copied_to_store_.end()) return found->second;
  if (path.ends_with(".drv"))
    m_.fail(ErrorKind::value, pos, "file names are not allowed to end in '.drv', but '" + key + "' does");
  refuse_copy_of_embedded(key, pos);
  check_access(key, LastLink::looked_at, pos);
  const std::string file = physical(path);
  struct stat info{};
  if (lstat(file.c_str(), &info) != 0)
    m_.fail(ErrorKind::io, pos, "cannot copy '" + key + "' to the store: " + std::string{std::strerror(errno)});
  const store::StorePath added = m_.with_store(pos, [&] { return m_.store.add_source(file, base_name_of(path), {}); });
  const Value result = m_.make_string(m_.full(added), {.path = added});
  copied_to_store_.emplace(key, result);
  return result;
}

} // namespace lang
