// Derivations on their way into the registry: taken only when the outputs that they state follow from what they say, so
// that nobody who may upload can claim another package's path. (What LocalStore does for a store.)
#pragma once
#include "registry-server/storage/catalog.hpp"
#include "store/base/thread_annotations.hpp"
#include "store/format/derivation.hpp"
#include "store/format/narinfo.hpp"
#include <mutex>

namespace registry {

// Thread-safe. Both must outlive it.
class DerivationCheck {
public:
  DerivationCheck(Catalog& catalog, Blobs& blobs, const std::string& store_dir);
  // `archive` is that of `narinfo`. UserError (refused): a path named .drv that is no derivation, or not this one;
  // whose inputs are not here; that states other outputs than follow from it; or a path that its deriver does not make.
  void check(const store::NarInfo& narinfo, const OpenBlob& archive);

private:
  [[nodiscard]] store::Result<store::Derivation> load(const store::StorePath& drv_path);
  Catalog& catalog_;
  Blobs& blobs_;
  const std::string store_dir_;
  std::mutex mutex_;
  store::DerivationHashes hashes_ KPKG_GUARDED_BY(mutex_); // paths name contents: none grows stale
};

} // namespace registry
