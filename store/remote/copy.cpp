#include "store/remote/copy.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

namespace store {

namespace {

constexpr int kZstdLevel = 3;

class UnnamedFile { // gone when closed
public:
  UnnamedFile() : file_(std::tmpfile()) {
    if (!file_)
      throw StoreError(std::string("cannot create a temporary file: ") + std::strerror(errno),
                       "is TMPDIR's disk full?");
  }
  ~UnnamedFile() { std::fclose(file_); }
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;
  [[nodiscard]] int fd() const { return ::fileno(file_); }
  Result<void> write(Bytes data) {
    while (!data.empty()) {
      const ssize_t written = ::write(fd(), data.data(), data.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0)
        return std::unexpected(Error{.code = ErrorCode::sink,
                                     .message = std::string("cannot write a temporary file: ") + std::strerror(errno)});
      data = data.subspan(static_cast<size_t>(written));
    }
    return {};
  }

private:
  std::FILE* file_;
};

// The path's NAR, compressed into `file`; url, file_hash and file_size_bytes describe it.
NarInfo compress(LocalStore& local, const PathInfo& info, UnnamedFile& file) {
  NarInfo narinfo{.info = info, .url = {}, .compression = "zstd", .file_hash = {}, .file_size_bytes = {}};
  Hasher hasher;
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::byte> out(ZSTD_CStreamOutSize());
  const auto feed = [&](Bytes data, ZSTD_EndDirective end) -> Result<void> {
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (true) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      const size_t left = ZSTD_compressStream2(context.get(), &output, &input, end);
      if (ZSTD_isError(left))
        return std::unexpected(Error{.code = ErrorCode::sink, .message = ZSTD_getErrorName(left)});
      const Bytes produced = Bytes(out).first(output.pos);
      hasher.update(produced);
      TRY_VOID(file.write(produced));
      if (end == ZSTD_e_end ? left == 0 : input.pos == input.size) return {};
    }
  };
  local.dump_nar(info.path, [&](Bytes data) { return feed(data, ZSTD_e_continue); });
  unwrap(feed({}, ZSTD_e_end), info.path.base_name());
  narinfo.file_size_bytes = hasher.size_bytes();
  narinfo.file_hash = hasher.finish();
  narinfo.url = "nar/" + narinfo.file_hash->nix32() + ".nar.zst";
  return narinfo;
}

struct Planned {
  BinaryCache* cache;
  NarInfo narinfo;
};

// Asks the caches in order; the first that has the path with an acceptable signature gives it. A cache that fails is
// passed over; its error is told only when no other has the path.
Planned plan_path(const StorePath& path, const std::vector<BinaryCache*>& caches, const CopyOptions& options) {
  std::string problems;
  bool refused = false;
  for (BinaryCache* cache : caches) {
    try {
      auto narinfo = cache->query(path);
      if (!narinfo) continue;
      if (!narinfo->info.is_self_certifying()) {
        if (auto verified = narinfo->info.verify_signatures(options.trusted); !verified) {
          problems += "\n  " + cache->url() + ": " + verified.error().message;
          refused = true;
          continue;
        }
      }
      return {cache, std::move(*narinfo)};
    } catch (const StoreError& error) {
      problems += std::string("\n  ") + error.what();
    }
  }
  if (problems.empty()) throw StoreError(path.full() + " is in none of the caches asked");
  if (!refused) throw StoreError(path.full() + " cannot be fetched:" + problems);
  throw RefusedError(
      path.full() + " cannot be installed:" + problems,
      "nothing of it was installed; trust a key with --trusted-key NAME:KEY only when you know whose it is");
}

} // namespace

CopyResult push_closure(LocalStore& local, BinaryCache& cache, const StorePathSet& roots, const CopyOptions& options) {
  CopyResult result;
  const auto paths = local.closure_references_first(roots);
  std::vector<PathInfo> missing;
  for (const StorePath& path : paths) {
    auto info = local.query(path);
    if (!info) throw StoreError(path.full() + " is not valid in the store " + local.root().string());
    if (info->signatures.empty() && !info->is_self_certifying())
      throw StoreError(path.full() + " has no signature: nobody could install it",
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
    UnnamedFile file;
    const NarInfo narinfo = compress(local, info, file);
    cache.upload(narinfo, file.fd());
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
  }

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
      if (!open.insert(path).second) throw StoreError("the references of " + path.full() + " form a cycle");
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
