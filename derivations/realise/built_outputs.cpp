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

std::map<std::string, fs::path> find_outputs(const Derivation& derivation, const fs::path& outputs) {
  std::map<std::string, fs::path> trees;
  for (const auto& [id, output] : derivation.outputs) {
    const fs::path tree = outputs / output.path->base_name();
    struct stat status{};
    if (::lstat(tree.c_str(), &status) != 0)
      throw build_error("building “" + derivation.name +
                            "” failed: its builder succeeded but did not make the output “" + id + "” (" +
                            output.path->full() + ")",
                        "the builder must create a file or folder at $" + id);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
      throw build_error("building “" + derivation.name + "” failed: its output “" + id +
                        "” is neither a file nor a folder nor a symbolic link");
    trees.emplace(id, tree);
  }
  return trees;
}

void check_references(const Derivation& derivation, const store::TakenOutputs& taken) {
  const std::string* allowed = env_of(derivation, "allowedReferences");
  const std::string* disallowed = env_of(derivation, "disallowedReferences");
  const StorePathSet allowed_paths =
      allowed ? reference_list(derivation, "allowedReferences", *allowed) : StorePathSet{};
  const StorePathSet disallowed_paths =
      disallowed ? reference_list(derivation, "disallowedReferences", *disallowed) : StorePathSet{};
  for (const auto& [id, output] : taken.by_id())
    for (const StorePath& path : output.info.references) {
      const std::string subject =
          "building “" + derivation.name + "” failed: its output “" + id + "” refers to " + path.full();
      if (allowed != nullptr && !allowed_paths.contains(path))
        throw build_error(subject + ", which is not in allowedReferences");
      if (disallowed_paths.contains(path)) throw build_error(subject + ", which is in disallowedReferences");
    }
}

void compare_with_store(store::LocalStore& local, const Derivation& derivation, const store::TakenOutputs& taken) {
  std::string text;
  for (const auto& [id, output] : taken.by_id()) {
    const auto info = local.query(output.info.path);
    if (!info || info->nar_hash == output.info.nar_hash) continue;
    text += "\n  " + info->path.full() + "\n    in the store: " + info->nar_hash.to_string() +
            "\n    built now:    " + output.info.nar_hash.to_string();
    std::vector<std::string> names;
    differences(local.physical(info->path), output.tree, "", 10, names);
    for (const std::string& name : names) text += "\n    differs:      " + name;
  }
  if (!text.empty())
    throw build_error("“" + derivation.name + "” is not reproducible: a second build made something else" + text,
                      "run it with --keep-failed to keep the second build's outputs for comparison");
}

} // namespace realise
