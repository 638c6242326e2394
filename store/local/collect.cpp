// Roots and the garbage collector. It holds gc.lock exclusively: nothing is registered, and no temporary root is taken,
// while it looks and deletes. The graph is read once; what is dead goes referrers first, so that stopping anywhere
// leaves a store in which references of valid paths are valid. Rows go before trees, and durably: a crash in between
// leaves unregistered trees, which the next collection sweeps.
#include "store/local/local_store_impl.hpp"
#include <algorithm>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unordered_map>
#include <unordered_set>

namespace store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemporaryPrefix = ".tmp-";

// The valid paths and their references, by index.
struct Graph {
  std::vector<StorePath> paths;
  std::vector<int64_t> ids;
  std::vector<uint64_t> nar_sizes;
  std::vector<std::vector<uint32_t>> references;
  std::unordered_map<std::string_view, uint32_t> index; // by base name
};

Graph read_graph(Database& db) {
  Graph graph;
  std::unordered_map<int64_t, uint32_t> by_id;
  Statement paths{db, "SELECT id, path, nar_size FROM valid_paths ORDER BY id"};
  while (paths.step()) {
    by_id.emplace(paths.integer(0), static_cast<uint32_t>(graph.ids.size()));
    graph.ids.push_back(paths.integer(0));
    graph.paths.push_back(unwrap(StorePath::parse_base_name(paths.text(1)), "the store's database"));
    graph.nar_sizes.push_back(static_cast<uint64_t>(paths.integer(2)));
  }
  for (uint32_t i = 0; i < graph.paths.size(); ++i) graph.index.emplace(graph.paths[i].base_name(), i);
  graph.references.resize(graph.paths.size());
  Statement references{db, "SELECT referrer, reference FROM refs"};
  while (references.step())
    graph.references[by_id.at(references.integer(0))].push_back(by_id.at(references.integer(1)));
  return graph;
}

// All that the given ones reach, referrers before what they refer to (a path's reference to itself aside).
std::vector<uint32_t> referrers_first(const Graph& graph, const std::vector<bool>& members) {
  std::vector<uint32_t> order;
  std::vector<bool> seen(graph.paths.size());
  std::vector<std::pair<uint32_t, size_t>> stack;
  for (uint32_t root = 0; root < graph.paths.size(); ++root) {
    if (!members[root] || seen[root]) continue;
    seen[root] = true;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < graph.references[node].size()) {
        const uint32_t reference = graph.references[node][next++];
        if (!members[reference] || seen[reference]) continue;
        seen[reference] = true;
        stack.emplace_back(reference, 0);
      } else {
        order.push_back(node);
        stack.pop_back();
      }
    }
  }
  std::ranges::reverse(order);
  return order;
}

std::vector<bool> reachable(const Graph& graph, const std::unordered_set<std::string>& roots) {
  std::vector<bool> alive(graph.paths.size());
  std::vector<uint32_t> queue;
  for (const std::string& root : roots) {
    if (const auto found = graph.index.find(root); found != graph.index.end() && !alive[found->second]) {
      alive[found->second] = true;
      queue.push_back(found->second);
    }
  }
  while (!queue.empty()) {
    const uint32_t node = queue.back();
    queue.pop_back();
    for (const uint32_t reference : graph.references[node]) {
      if (alive[reference]) continue;
      alive[reference] = true;
      queue.push_back(reference);
    }
  }
  return alive;
}

std::optional<std::string> read_link(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (error) return std::nullopt;
  return target.string();
}

bool is_locked(const fs::path& lock) {
  const UniqueFd fd{::open(lock.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd) return false;
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

// The process token of «.tmp-TOKEN-…».
std::string_view token_of(std::string_view name) {
  name.remove_prefix(kTemporaryPrefix.size());
  return name.substr(0, name.find('-'));
}

} // namespace

std::optional<StorePath> store_path_of_target(const fs::path& store_folder, std::string_view target) {
  const auto below = [&](std::string_view folder) -> std::optional<StorePath> {
    if (!target.starts_with(folder) || target.size() <= folder.size() || target[folder.size()] != '/')
      return std::nullopt;
    const std::string_view rest = target.substr(folder.size() + 1);
    Result<StorePath> path = StorePath::parse_base_name(rest.substr(0, rest.find('/')));
    return path ? std::optional{std::move(*path)} : std::nullopt;
  };
  if (std::optional<StorePath> path = below(kStoreDir)) return path;
  return below(store_folder.string());
}

void LocalStore::add_root_link(const fs::path& link, const StorePath& path) {
  const fs::path absolute = fs::absolute(link).lexically_normal();
  const Impl::GcLock lock{*impl_, LOCK_SH};
  if (!is_valid(path)) throw UserError("cannot keep " + path.full() + " alive: it is not in the store");
  // The entry first: without its link it is stale, and harmless.
  replace_symlink(impl_->roots / hash_text(absolute.string(), HashAlgorithm::sha1).nix32(), absolute.string());
  const auto is_ours = [&](std::string_view target) { return store_path_of_target(impl_->store, target).has_value(); };
  if (!replace_own_symlink(absolute, impl_->physical(path).string(), is_ours))
    throw UserError(absolute.string() + " exists and is no link into this store; it was left as it is",
                    "give the link another name with --out-link, or remove what stands there");
}

std::vector<std::pair<std::string, StorePath>> LocalStore::roots() {
  std::vector<std::pair<std::string, StorePath>> found;
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->roots}) {
    const std::optional<std::string> target = read_link(entry.path());
    if (!target) continue;
    if (std::optional<StorePath> direct = store_path_of_target(impl_->store, *target)) {
      found.emplace_back(entry.path().string(), std::move(*direct));
    } else if (const std::optional<std::string> second = read_link(*target)) {
      if (std::optional<StorePath> indirect = store_path_of_target(impl_->store, *second))
        found.emplace_back(*target, std::move(*indirect));
    }
  }
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->profiles}) {
    const std::string name = entry.path().filename().string();
    const std::optional<std::string> target = read_link(entry.path());
    if (name.starts_with('.') || !target) continue;
    if (std::optional<StorePath> path = store_path_of_target(impl_->store, *target))
      found.emplace_back(entry.path().string(), std::move(*path));
  }
  Statement rows{impl_->db, "SELECT process, path FROM temporary_roots"};
  while (rows.step()) {
    if (is_process_alive(impl_->processes, rows.text(0))) {
      found.emplace_back("running process " + rows.text(0),
                         unwrap(StorePath::parse_base_name(rows.text(1)), "the store's database"));
    }
  }
  std::ranges::sort(found);
  return found;
}

GcResult LocalStore::collect_garbage(const GcOptions& options) {
  const Impl::GcLock lock{*impl_, LOCK_EX};
  Database& db = impl_->db;
  std::unordered_set<std::string> kept;
  for (const auto& [why, path] : roots()) kept.insert(path.base_name());
  const Graph graph = read_graph(db);
  std::vector<bool> dead = reachable(graph, kept);
  dead.flip();

  GcResult result;
  std::vector<uint32_t> victims;
  for (const uint32_t node : referrers_first(graph, dead)) {
    if (result.freed_bytes >= options.max_freed_bytes) break;
    victims.push_back(node);
    result.deleted.push_back(graph.paths[node]);
    result.freed_bytes += graph.nar_sizes[node];
  }
  if (options.dry_run) return result;

  // A deletion must not be forgotten by a power failure after the tree is gone.
  db.execute("PRAGMA synchronous = FULL");
  {
    Transaction transaction{db};
    Statement processes{db, "SELECT DISTINCT process FROM temporary_roots"};
    std::vector<std::string> ended;
    while (processes.step())
      if (!is_process_alive(impl_->processes, processes.text(0))) ended.push_back(processes.text(0));
    Statement forget{db, "DELETE FROM temporary_roots WHERE process = ?"};
    for (const std::string& process : ended) forget.bind_all(std::string_view{process}).run();
    Statement unlink_references{db, "DELETE FROM refs WHERE referrer = ?"};
    Statement remove{db, "DELETE FROM valid_paths WHERE id = ?"};
    for (const uint32_t node : victims) {
      unlink_references.bind_all(graph.ids[node]).run();
      remove.bind_all(graph.ids[node]).run();
    }
    transaction.commit();
  }
  db.execute("PRAGMA synchronous = NORMAL");

  // Everything in the store folder that nothing stands for any more: the victims, and what crashes left.
  std::unordered_set<std::string_view> removed;
  for (const uint32_t node : victims) removed.insert(graph.paths[node].base_name());
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->store}) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kTemporaryPrefix)) {
      if (is_process_alive(impl_->processes, token_of(name))) continue;
    } else if (!removed.contains(name)) {
      if (graph.index.contains(name) || kept.contains(name) || is_locked(impl_->locks / name)) continue;
    }
    remove_tree(entry.path());
  }
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->roots}) {
    const std::optional<std::string> target = read_link(entry.path());
    if (!target || store_path_of_target(impl_->store, *target)) continue;
    const std::optional<std::string> second = read_link(*target);
    if (!second || !store_path_of_target(impl_->store, *second)) ::unlink(entry.path().c_str());
  }
  for (const fs::directory_entry& entry : fs::directory_iterator{impl_->processes})
    (void)is_process_alive(impl_->processes, entry.path().filename().string()); // removes what has ended
  return result;
}

} // namespace store
