#include "store/remote/copy.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/remote/compression.hpp"
#include <cstring>

namespace store {

namespace {

// The path's NAR, compressed into the file `fd`; url, file_hash and file_size_bytes describe it.
NarInfo compress(LocalStore& local, const PathInfo& info, int fd) {
  NarInfo narinfo{.info = info, .url = {}, .compression = "zstd", .file_hash = {}, .file_size_bytes = {}};
  Hasher hasher;
  const ByteSink file = [&](Bytes data) -> Result<void> {
    hasher.update(data);
    if (const int error = try_write_all(fd, data))
      return std::unexpected(Error{.code = ErrorCode::sink,
                                   .message = std::string{"cannot write a temporary file: "} + std::strerror(error)});
    return {};
  };
  Compressor compressor{file};
  local.dump_nar(info.path, [&](Bytes data) { return compressor.feed(data); });
  unwrap(compressor.finish(), info.path.base_name());
  narinfo.file_size_bytes = hasher.size_bytes();
  narinfo.file_hash = hasher.finish();
  narinfo.url = "nar/" + narinfo.file_hash->nix32() + ".nar.zst";
  return narinfo;
}

struct Planned {
  BinaryCache* cache;
  NarInfo narinfo;
};

void check_size(const NarInfo& narinfo, const BinaryCache& cache, const CopyOptions& options) {
  if (narinfo.info.nar_size_bytes > options.max_nar_bytes)
    throw UserError(UserErrorCode::refused, cache.url() + ": it has " + std::to_string(narinfo.info.nar_size_bytes) +
                                                " bytes, more than the limit of " +
                                                std::to_string(options.max_nar_bytes));
}

// Room for all of it, and some for others.
void check_room(LocalStore& local, const std::map<StorePath, Planned>& plan) {
  constexpr uint64_t kReserve = uint64_t{64} << 20;
  uint64_t needed = 0;
  for (const auto& [path, planned] : plan)
    if (__builtin_add_overflow(needed, planned.narinfo.info.nar_size_bytes, &needed)) needed = ~uint64_t{0};
  const uint64_t available = std::filesystem::space(local.store_folder()).available;
  if (needed > available || available - needed < std::min(kReserve, available / 16))
    throw UserError("what is to be fetched takes " + std::to_string(needed) + " bytes, and the disk of " +
                        local.store_folder().string() + " has " + std::to_string(available) + " free",
                    "free some space, for example with kpkg store gc");
}

// Asks the caches in order; the first that has the path with an acceptable signature gives it. A cache that fails is
// passed over; its error is told only when no other has the path.
Planned plan_path(const StorePath& path, const std::vector<BinaryCache*>& caches, const CopyOptions& options) {
  std::string problems;
  bool refused = false, untrusted = false;
  for (BinaryCache* cache : caches) {
    try {
      auto narinfo = cache->query(path);
      if (!narinfo) continue;
      if (!narinfo->info.is_self_certifying()) {
        if (auto verified = narinfo->info.verify_signatures(options.trusted); !verified) {
          problems += "\n  " + cache->url() + ": " + verified.error().message;
          refused = untrusted = true;
          continue;
        }
      }
      check_size(*narinfo, *cache, options);
      return {cache, std::move(*narinfo)};
    } catch (const UserError& error) {
      if (error.code() == UserErrorCode::interrupted) throw;
      problems += std::string("\n  ") + error.what();
      refused |= error.code() == UserErrorCode::refused;
    }
  }
  if (problems.empty()) throw UserError(path.full() + " is in none of the caches asked");
  if (!refused) throw UserError(path.full() + " cannot be fetched:" + problems);
  throw UserError(UserErrorCode::refused, path.full() + " cannot be installed:" + problems,
                  untrusted ? "nothing of it was installed; trust a key with --trusted-key NAME:KEY only when you know "
                              "whose it is"
                            : "nothing of it was installed");
}

} // namespace

CopyResult push_closure(LocalStore& local, BinaryCache& cache, const StorePathSet& roots, const CopyOptions& options) {
  CopyResult result;
  const auto paths = local.closure_references_first(roots);
  std::vector<PathInfo> missing;
  for (const StorePath& path : paths) {
    auto info = local.query(path);
    if (!info) throw UserError(path.full() + " is not valid in the store " + local.root().string());
    if (info->signatures.empty() && !info->is_self_certifying())
      throw UserError(path.full() + " has no signature: nobody could install it",
                      "sign it first: kpkg store sign --key FILE " + path.full());
    if (cache.has(path))
      ++result.already_there;
    else
      missing.push_back(std::move(*info));
  }
  for (const PathInfo& info : missing) {
    if (options.on_path)
      options.on_path({.path = info.path,
                       .nar_size_bytes = info.nar_size_bytes,
                       .number = result.copied.size() + 1,
                       .total = missing.size()});
    const UniqueFd file = make_unnamed_file();
    const NarInfo narinfo = compress(local, info, file.get());
    cache.upload(narinfo, file.get());
    result.nar_bytes += info.nar_size_bytes;
    result.transferred_bytes += *narinfo.file_size_bytes;
    result.copied.push_back(info.path);
  }
  return result;
}

CopyResult install_closure(LocalStore& local, const std::vector<BinaryCache*>& caches, const StorePathSet& roots,
                           const CopyOptions& options) {
  CopyResult result;
  std::map<StorePath, Planned> plan;
  std::vector<StorePath> to_ask(roots.begin(), roots.end());
  StorePathSet seen = roots;
  while (!to_ask.empty()) {
    const StorePath path = std::move(to_ask.back());
    to_ask.pop_back();
    if (local.is_valid(path)) {
      local.add_temp_root(path);
      ++result.already_there;
      continue;
    }
    const auto [entry, added] = plan.emplace(path, plan_path(path, caches, options));
    for (const StorePath& reference : entry->second.narinfo.info.references)
      if (seen.insert(reference).second) to_ask.push_back(reference);
    if (seen.size() > kMaxClosurePaths)
      throw UserError(UserErrorCode::refused,
                      "what is to be fetched refers to more than " + std::to_string(kMaxClosurePaths) + " paths");
  }
  check_room(local, plan);

  // References first: a depth-first walk with an explicit stack. A cycle between different paths cannot be registered.
  StorePathSet done;
  std::vector<std::pair<StorePath, bool>> stack;
  StorePathSet open;
  for (const StorePath& root : roots) stack.emplace_back(root, false);
  while (!stack.empty()) {
    const auto [path, expanded] = stack.back();
    stack.pop_back();
    const auto planned = plan.find(path);
    if (planned == plan.end() || done.contains(path)) continue;
    const NarInfo& narinfo = planned->second.narinfo;
    if (!expanded) {
      if (!open.insert(path).second) throw UserError("the references of " + path.full() + " form a cycle");
      stack.emplace_back(path, true);
      for (const StorePath& reference : narinfo.info.references)
        if (reference != path && !done.contains(reference)) stack.emplace_back(reference, false);
      continue;
    }
    if (options.on_path)
      options.on_path({.path = path,
                       .nar_size_bytes = narinfo.info.nar_size_bytes,
                       .number = result.copied.size() + 1,
                       .total = plan.size()});
    local.add_nar(narinfo.info, [&](const ByteSink& sink) { planned->second.cache->fetch_nar(narinfo, sink); });
    result.nar_bytes += narinfo.info.nar_size_bytes;
    result.transferred_bytes += narinfo.file_size_bytes.value_or(narinfo.info.nar_size_bytes);
    result.copied.push_back(path);
    done.insert(path);
  }
  return result;
}

} // namespace store
