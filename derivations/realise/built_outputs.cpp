#include "derivations/realise/built_outputs.hpp"
#include "derivations/realise/attributes.hpp"
#include "derivations/realise/build_error.hpp"
#include "store/local/reference_scanner.hpp"
#include "store/posix/file_io.hpp"
#include <fcntl.h>
#include <sys/stat.h>

namespace realise {
namespace {
namespace fs = std::filesystem;
using store::Derivation;
using store::DerivationOutput;
using store::StorePath;
using store::StorePathSet;

store::Hash hash_tree(const fs::path& tree, store::HashAlgorithm algorithm) {
  if (algorithm == store::HashAlgorithm::sha256) return store::hash_path(tree).first;
  store::Hasher hasher{algorithm};
  store::NarWriter writer{[&](store::Bytes data) -> store::Result<void> {
    hasher.update(data);
    return {};
  }};
  store::dump_path(tree, writer);
  store::unwrap(writer.finish(), tree.string());
  return hasher.finish();
}

store::Hash hash_file(const fs::path& file, store::HashAlgorithm algorithm) {
  store::Hasher hasher{algorithm};
  const store::UniqueFd fd = store::open_file(file, O_RDONLY | O_NOFOLLOW);
  std::vector<std::byte> buffer(size_t{64} << 10);
  while (const size_t size = store::read_some(fd.get(), buffer, file)) hasher.update(std::span{buffer}.first(size));
  return hasher.finish();
}

// A name of one of the derivation's own outputs, or a store path.
StorePathSet reference_list(const Derivation& derivation, const std::string& name, const std::string& text) {
  StorePathSet paths;
  for (const std::string& word : words(text)) {
    if (const auto output = derivation.outputs.find(word); output != derivation.outputs.end()) {
      paths.insert(*output->second.path);
      continue;
    }
    const auto path = StorePath::parse(word);
    if (!path)
      throw build_error(name + " of “" + derivation.name + "”: “" + word +
                        "” is neither a store path nor one of its outputs");
    paths.insert(*path);
  }
  return paths;
}

StorePathSet references_of(const fs::path& tree, const StorePathSet& candidates) {
  store::ReferenceScanner scanner{candidates};
  store::NarWriter writer{[&](store::Bytes data) -> store::Result<void> {
    scanner.feed(data);
    return {};
  }};
  store::dump_path(tree, writer);
  store::unwrap(writer.finish(), tree.string());
  return scanner.found();
}

// Relative paths at which two trees differ, at most `limit`.
void differences(const fs::path& a, const fs::path& b, const std::string& name, size_t limit,
                 std::vector<std::string>& found) {
  if (found.size() >= limit) return;
  std::error_code error;
  const auto type = fs::symlink_status(a, error).type();
  if (type != fs::symlink_status(b, error).type()) return found.push_back(name);
  if (type == fs::file_type::directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator{a}) names.insert(entry.path().filename().string());
    for (const auto& entry : fs::directory_iterator{b}) names.insert(entry.path().filename().string());
    for (const std::string& entry : names)
      differences(a / entry, b / entry, name.empty() ? entry : name + "/" + entry, limit, found);
  } else if (fs::exists(fs::symlink_status(a)) && store::hash_path(a).first != store::hash_path(b).first) {
    found.push_back(name.empty() ? "(the output itself)" : name);
  }
}

} // namespace

std::vector<Made> find_outputs(const Derivation& derivation, const fs::path& private_store) {
  std::vector<Made> made;
  for (const auto& [id, output] : derivation.outputs) {
    const fs::path tree = private_store / output.path->base_name();
    struct stat status{};
    if (::lstat(tree.c_str(), &status) != 0)
      throw build_error("building “" + derivation.name +
                            "” failed: its builder succeeded but did not make the output “" + id + "” (" +
                            output.path->full() + ")",
                        "the builder must create a file or folder at $" + id);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
      throw build_error("building “" + derivation.name + "” failed: its output “" + id +
                        "” is neither a file nor a folder nor a symbolic link");
    made.push_back({id, *output.path, tree, {}});
  }
  return made;
}

void check_fixed_output(const Derivation& derivation, Made& made) {
  const DerivationOutput& output = derivation.outputs.at(made.id);
  const std::string subject = "building “" + derivation.name + "” failed: ";
  const bool recursive = output.method_algorithm.starts_with("r:");
  const auto algorithm =
      store::unwrap(store::parse_hash_algorithm(std::string_view{output.method_algorithm}.substr(recursive ? 2 : 0)),
                    derivation.name);
  const store::Hash expected = store::unwrap(store::Hash::parse(output.hash_base16, algorithm), derivation.name);
  if (!recursive) {
    const auto status = fs::symlink_status(made.tree);
    if (status.type() != fs::file_type::regular || (status.permissions() & fs::perms::owner_exec) != fs::perms::none)
      throw build_error(subject + "its output is not a plain, non-executable file, as a flat hash needs",
                        "set outputHashMode = \"recursive\"");
  }
  const store::Hash found = recursive ? hash_tree(made.tree, algorithm) : hash_file(made.tree, algorithm);
  if (found != expected)
    throw build_error(subject + "its output does not have the promised hash\n  promised: " + expected.sri() +
                          "\n  built:    " + found.sri(),
                      "if the new content is what you want, write its hash into the derivation");
  made.content_address = std::string{"fixed:"} + (recursive ? "r:" : "") + found.to_string();
}

void check_references(const Derivation& derivation, const Made& made, const StorePathSet& candidates) {
  const std::string* allowed = env_of(derivation, "allowedReferences");
  const std::string* disallowed = env_of(derivation, "disallowedReferences");
  const bool fixed = derivation.is_fixed_output();
  if (allowed == nullptr && disallowed == nullptr && !fixed) return;
  const StorePathSet found = references_of(made.tree, candidates);
  const StorePathSet allowed_paths =
      allowed ? reference_list(derivation, "allowedReferences", *allowed) : StorePathSet{};
  const StorePathSet disallowed_paths =
      disallowed ? reference_list(derivation, "disallowedReferences", *disallowed) : StorePathSet{};
  for (const StorePath& path : found) {
    const std::string subject =
        "building “" + derivation.name + "” failed: its output “" + made.id + "” refers to " + path.full();
    if (fixed) throw build_error(subject + ", and a fixed output may refer to no store path");
    if (allowed != nullptr && !allowed_paths.contains(path))
      throw build_error(subject + ", which is not in allowedReferences");
    if (disallowed_paths.contains(path)) throw build_error(subject + ", which is in disallowedReferences");
  }
}

void compare_with_store(store::LocalStore& local, const Derivation& derivation, const std::vector<Made>& made) {
  std::string text;
  for (const Made& output : made) {
    const auto info = local.query(output.path);
    if (!info) continue;
    const store::Hash found = store::hash_path(output.tree).first;
    if (found == info->nar_hash) continue;
    text += "\n  " + output.path.full() + "\n    in the store: " + info->nar_hash.to_string() +
            "\n    built now:    " + found.to_string();
    std::vector<std::string> names;
    differences(local.physical(output.path), output.tree, "", 10, names);
    for (const std::string& name : names) text += "\n    differs:      " + name;
  }
  if (!text.empty())
    throw build_error("“" + derivation.name + "” is not reproducible: a second build made something else" + text,
                      "run it with --keep-failed to keep the second build's outputs for comparison");
}

} // namespace realise
