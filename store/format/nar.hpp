// NAR: the canonical serialisation of a file tree. Strings are u64le length, bytes, zero padding to 8. Directory
// entries in strict bytewise order. Records only the contents, the owner's executable bit and symlink targets.
// (Nix manual, "Nix Archive (NAR) format".)
//
// Reading and writing are streaming and hold O(depth) memory; both are pure: the file system is somebody else's
// NarVisitor (store/local) or NarSource. A reader never accepts what the writer would not write.
#pragma once
#include "store/format/hash.hpp"
#include <functional>
#include <string>

namespace store {

inline constexpr std::string_view kNarMagic = "nix-archive-1";
inline constexpr size_t kNarMaxNameLength = 255;
inline constexpr size_t kNarMaxSymlinkTargetLength = 4095;
inline constexpr size_t kNarMaxDepth = 64; // nesting of directories: 64 or deeper is rejected

// Where bytes go. Returns an Error with code `sink` to stop.
using ByteSink = std::function<Result<void>(Bytes)>;

// Receives the tree of a NAR in order. `name` is empty for the root. Calls are well nested:
// directory_begin … directory_end; file_begin, file_data*, file_end.
class NarVisitor {
public:
  virtual ~NarVisitor() = default;
  virtual Result<void> file_begin(std::string_view name, bool executable, uint64_t size_bytes) = 0;
  virtual Result<void> file_data(Bytes data) = 0;
  virtual Result<void> file_end() = 0;
  virtual Result<void> symlink(std::string_view name, std::string_view target) = 0;
  virtual Result<void> directory_begin(std::string_view name) = 0;
  virtual Result<void> directory_end() = 0;
};

// Push parser: feed chunks of any size, then finish(). Rejects: wrong magic, unknown tags, unsorted or duplicate names,
// names that are empty, "." or "..", or contain '/' or NUL, over-long names and targets, non-zero padding, depth,
// truncated input and trailing bytes. Errors carry the byte offset.
class NarReader {
public:
  explicit NarReader(NarVisitor& visitor);
  ~NarReader();
  NarReader(const NarReader&) = delete;
  NarReader& operator=(const NarReader&) = delete;
  [[nodiscard]] Result<void> feed(Bytes chunk);
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] bool done() const; // the root node is complete; more bytes would be an error

private:
  struct State;
  std::unique_ptr<State> state_;
};

// Checks a whole NAR in memory (and visits it).
[[nodiscard]] Result<void> read_nar(Bytes nar, NarVisitor& visitor);
[[nodiscard]] Result<void> check_nar(Bytes nar);

// Writes a NAR to a sink; call in the order a NarVisitor is called. The writer enforces order and names.
class NarWriter final : public NarVisitor {
public:
  explicit NarWriter(ByteSink sink);
  ~NarWriter() override;
  Result<void> file_begin(std::string_view name, bool executable, uint64_t size_bytes) override;
  Result<void> file_data(Bytes data) override;
  Result<void> file_end() override;
  Result<void> symlink(std::string_view name, std::string_view target) override;
  Result<void> directory_begin(std::string_view name) override;
  Result<void> directory_end() override;
  [[nodiscard]] Result<void> finish(); // flushes; fails when the tree is not closed

private:
  struct State;
  std::unique_ptr<State> state_;
};

// Where a path inside a NAR held in memory lies; how the kernel and the registry read single files without unpacking.
// `path` is relative, '/'-separated, "" for the root. Follows no symlinks.
struct NarFile {
  Bytes contents; // a view into `nar`
  bool executable = false;
};
[[nodiscard]] Result<NarFile> find_in_nar(Bytes nar, std::string_view path);

} // namespace store
