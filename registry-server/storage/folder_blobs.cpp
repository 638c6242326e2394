#include "registry-server/storage/folder_blobs.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/system_error.hpp"
#include <fcntl.h>
#include <sys/stat.h>

namespace registry {

namespace fs = std::filesystem;

namespace {

class FolderBlobWriter final : public BlobWriter {
public:
  FolderBlobWriter(const fs::path& incoming, fs::path blobs)
      : blobs_(std::move(blobs)), temporary_(store::temporary_name(incoming, "upload")),
        fd_(store::open_file(temporary_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644)) {}
  ~FolderBlobWriter() override {
    if (!published_) ::unlink(temporary_.c_str());
  }

protected:
  void append(store::Bytes data) override {
    const int error = store::try_write_all(fd_.get(), data);
    if (error == ENOSPC || error == EDQUOT)
      throw StorageFull("the registry's disk is full", "free some space, then upload again");
    if (error != 0) store::throw_errno("write", temporary_, error);
  }
  // Replaces equal content, which also mends a file that was damaged.
  void publish(const BlobId& id) override {
    store::sync_file(fd_.get(), temporary_);
    fd_.reset();
    store::rename_durably(temporary_, blobs_ / id.hash.base16());
    published_ = true;
  }

private:
  fs::path blobs_, temporary_;
  store::UniqueFd fd_;
  bool published_ = false;
};

} // namespace

FolderBlobs::FolderBlobs(const fs::path& root) : blobs_(root / "blobs"), incoming_(root / "incoming") {
  fs::create_directories(blobs_);
  fs::remove_all(incoming_); // uploads that a crash cut off
  fs::create_directories(incoming_);
}

std::unique_ptr<BlobWriter> FolderBlobs::begin() { return std::make_unique<FolderBlobWriter>(incoming_, blobs_); }

std::optional<OpenBlob> FolderBlobs::open(const store::Hash& hash) {
  const fs::path file = file_of(hash);
  store::UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) {
    if (errno == ENOENT) return {};
    store::throw_errno("open", file);
  }
  struct stat status{};
  store::check_errno(::fstat(fd.get(), &status), "look at", file);
  return OpenBlob{.file = std::move(fd), .size_bytes = static_cast<uint64_t>(status.st_size)};
}

bool FolderBlobs::exists(const store::Hash& hash) { return fs::exists(file_of(hash)); }

bool FolderBlobs::remove(const store::Hash& hash) {
  const fs::path file = file_of(hash);
  if (::unlink(file.c_str()) == 0) {
    store::sync_folder(blobs_);
    return true;
  }
  if (errno != ENOENT) store::throw_errno("remove", file);
  return false;
}

} // namespace registry
