// The registry's bytes, by the hash of their content: archives today, layers of other protocols tomorrow. What a blob
// is called, and who may see it, is the catalog's matter; this interface is narrow enough for an object store.
//
// Contract of every implementation:
//   Atomic: a blob is there whole or not at all; a writer that goes without commit(), or with its process, leaves
//     nothing that open() or find() would see, and what it wrote is gone at the latest at the next start.
//   Durable: when commit() returns, the bytes survive a crash of the machine.
//   Idempotent: equal bytes have one name, so committing them again succeeds and changes nothing for readers.
//   Thread-safe, but for one writer, which one thread uses at a time. All calls may block on the disk.
// Failures are UserErrors that may name paths of the host.
#pragma once
#include "store/format/hash.hpp"
#include "store/posix/unique_fd.hpp"
#include "store/posix/user_error.hpp"
#include <memory>
#include <optional>

namespace registry {

struct BlobId {
  store::Hash hash; // SHA-256
  uint64_t size_bytes = 0;
  friend bool operator==(const BlobId&, const BlobId&) = default;
};

// No room for more: nothing of the upload was kept.
class StorageFull : public store::UserError {
public:
  using UserError::UserError;
};

class BlobWriter {
public:
  virtual ~BlobWriter() = default; // without commit(): nothing is left
  BlobWriter() = default;
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  void write(store::Bytes data) { // StorageFull
    hasher_.update(data);
    append(data);
  }
  // Once, and nothing after it: the blob is stored under the hash of all that was written.
  BlobId commit() {
    const uint64_t size = hasher_.size_bytes();
    const BlobId id{.hash = hasher_.finish(), .size_bytes = size};
    publish(id);
    return id;
  }

protected:
  virtual void append(store::Bytes data) = 0;
  virtual void publish(const BlobId& id) = 0;

private:
  store::Hasher hasher_;
};

// The file's bytes do not change while it is open, even when the blob is removed. An implementation whose bytes are
// elsewhere fetches them into an unnamed file.
struct OpenBlob {
  store::UniqueFd file;
  uint64_t size_bytes = 0; // as the file system says
};

class Blobs {
public:
  virtual ~Blobs() = default;
  [[nodiscard]] virtual std::unique_ptr<BlobWriter> begin() = 0;
  [[nodiscard]] virtual std::optional<OpenBlob> open(const store::Hash& hash) = 0;
  [[nodiscard]] virtual bool exists(const store::Hash& hash) = 0;
  virtual bool remove(const store::Hash& hash) = 0; // false: it was not there
};

} // namespace registry
