// The storage contracts in memory: a model for the contract test, and quick storage for tests of protocols.
#pragma once
#include "registry-server/storage/catalog.hpp"
#include "store/base/thread_annotations.hpp"
#include "store/posix/file_io.hpp"
#include <algorithm>
#include <map>
#include <mutex>
#include <sys/mman.h>

namespace registry {

class MemoryBlobs final : public Blobs {
public:
  std::unique_ptr<BlobWriter> begin() override { return std::make_unique<Writer>(*this); }
  std::optional<OpenBlob> open(const store::Hash& hash) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(hash);
    if (found == blobs_.end()) return {};
    OpenBlob blob{.file = store::UniqueFd(::memfd_create("blob", MFD_CLOEXEC)), .size_bytes = found->second.size()};
    store::write_all(blob.file.get(), store::as_bytes(found->second), "a blob in memory");
    ::lseek(blob.file.get(), 0, SEEK_SET);
    return blob;
  }
  bool exists(const store::Hash& hash) override {
    const std::lock_guard lock(mutex_);
    return blobs_.contains(hash);
  }
  bool remove(const store::Hash& hash) override {
    const std::lock_guard lock(mutex_);
    return blobs_.erase(hash) == 1;
  }

private:
  class Writer final : public BlobWriter {
  public:
    explicit Writer(MemoryBlobs& blobs) : owner_(blobs) {}

  protected:
    void append(store::Bytes data) override { text_.append(reinterpret_cast<const char*>(data.data()), data.size()); }
    void publish(const BlobId& id) override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.blobs_[id.hash] = std::move(text_);
    }

  private:
    MemoryBlobs& owner_;
    std::string text_;
  };
  std::mutex mutex_;
  std::map<store::Hash, std::string> blobs_ KPKG_GUARDED_BY(mutex_);
};

class MemoryCatalog final : public Catalog {
public:
  std::optional<BlobId> find_archive(std::string_view name) override { return find(archives_, name); }
  bool add_archive(std::string_view name, const BlobId& blob) override {
    const std::lock_guard lock(mutex_);
    return archives_.try_emplace(std::string(name), blob).first->second == blob;
  }
  std::optional<std::string> find_narinfo(std::string_view digest) override {
    const auto record = find(narinfos_, digest);
    return record ? std::optional(record->text) : std::nullopt;
  }
  void add_narinfo(const NarinfoRecord& record) override {
    const std::lock_guard lock(mutex_);
    if (!archives_.contains(record.archive)) throw store::UserError("no archive " + record.archive);
    narinfos_[record.digest] = record;
    std::erase(order_, record.digest);
    order_.push_back(record.digest);
  }
  std::optional<std::string> find_text(std::string_view url) override { return find(texts_, url); }
  void add_text(std::string_view url, std::string_view body) override {
    const std::lock_guard lock(mutex_);
    texts_[std::string(url)] = body;
  }
  std::vector<ListedPath> list(size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<ListedPath> paths;
    for (auto digest = order_.rbegin(); digest != order_.rend() && paths.size() < limit; ++digest) {
      const NarinfoRecord& record = narinfos_.at(*digest);
      paths.push_back({.digest = *digest, .name = record.path_name, .nar_size_bytes = record.nar_size_bytes});
    }
    return paths;
  }
  size_t count() override {
    const std::lock_guard lock(mutex_);
    return narinfos_.size();
  }

private:
  template <class Value>
  std::optional<Value> find(const std::map<std::string, Value, std::less<>>& map, std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }
  std::mutex mutex_;
  std::map<std::string, BlobId, std::less<>> archives_;
  std::map<std::string, NarinfoRecord, std::less<>> narinfos_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::vector<std::string> order_; // digests, oldest first
};

} // namespace registry
