// Blobs as files of one folder: ROOT/blobs/BASE16 is a complete, synced file; ROOT/incoming/ holds what is being
// uploaded and is emptied at start, so one process at a time may use a root.
#pragma once
#include "registry-server/storage/blobs.hpp"
#include <filesystem>

namespace registry {

class FolderBlobs final : public Blobs {
public:
  explicit FolderBlobs(const std::filesystem::path& root); // created where missing
  [[nodiscard]] std::unique_ptr<BlobWriter> begin() override;
  [[nodiscard]] std::optional<OpenBlob> open(const store::Hash& hash) override;
  [[nodiscard]] bool exists(const store::Hash& hash) override;
  bool remove(const store::Hash& hash) override;

private:
  [[nodiscard]] std::filesystem::path file_of(const store::Hash& hash) const { return blobs_ / hash.base16(); }
  std::filesystem::path blobs_, incoming_;
};

} // namespace registry
