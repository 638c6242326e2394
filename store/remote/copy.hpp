// Copying closures between the local store and binary caches, with the trust rules: a path is accepted when one of the
// trusted keys signed it, or when its name follows from its content; every byte is hashed on arrival.
#pragma once
#include "store/local/local_store.hpp"
#include "store/remote/binary_cache.hpp"

namespace store {

struct CopyProgress {
  StorePath path;
  uint64_t nar_size_bytes = 0;
  size_t number = 0, total = 0; // this is the number-th of total
};
constexpr uint64_t kDefaultMaxNarBytes = uint64_t{32} << 30;
constexpr size_t kMaxClosurePaths = 1'000'000;

struct CopyOptions {
  std::vector<PublicKey> trusted;                        // of substitution
  std::function<void(const CopyProgress&)> on_path = {}; // before each path that is really copied
  uint64_t max_nar_bytes = kDefaultMaxNarBytes;          // of one path, whoever vouches for its size
};
struct CopyResult {
  std::vector<StorePath> copied; // in the order of copying
  size_t already_there = 0;
  uint64_t nar_bytes = 0, transferred_bytes = 0;
};

// Uploads what the cache lacks of the closure of `roots`, references first. Signatures travel as they are in the store;
// a path without any is refused unless its content proves its name (nobody could install it).
CopyResult push_closure(LocalStore& local, BinaryCache& cache, const StorePathSet& roots,
                        const CopyOptions& options = {});

// What narinfos say of sizes is a limit before the first byte is written: for each path, and of all together for the
// free space. Makes the closure of `roots` valid in the local store, asking the caches in order for each path. Nothing
// is registered that fails a check; what was complete before a failure stays (and is valid by itself).
CopyResult install_closure(LocalStore& local, const std::vector<BinaryCache*>& caches, const StorePathSet& roots,
                           const CopyOptions& options);

} // namespace store
