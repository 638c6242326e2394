// The compressions of archives in a binary cache (narinfo's Compression), as streams: "none", "zstd", and "xz" for
// reading only.
#pragma once
#include "store/format/nar.hpp"
#include <memory>
#include <string_view>

namespace store {

// Decompresses what is fed to it into a sink. Errors: malformed (broken or truncated stream), limit (an xz
// stream that asks for more memory than any preset of xz needs), or the sink's own.
class Decompressor {
public:
  // `sink` is kept and must outlive it. unsupported: this program cannot read that compression.
  [[nodiscard]] static Result<Decompressor> make(std::string_view compression, const ByteSink& sink);
  [[nodiscard]] Result<void> feed(Bytes data);
  [[nodiscard]] Result<void> finish(); // the stream must be complete
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) = delete;

private:
  struct Zstd;
  struct Xz;
  Decompressor(const ByteSink& sink, std::unique_ptr<Zstd> zstd, std::unique_ptr<Xz> xz);
  const ByteSink* sink_;
  std::unique_ptr<Zstd> zstd_; // both null: none
  std::unique_ptr<Xz> xz_;
};

// Compresses with zstd, with a checksum, into a sink.
class Compressor {
public:
  explicit Compressor(const ByteSink& sink); // kept; must outlive it
  [[nodiscard]] Result<void> feed(Bytes data);
  [[nodiscard]] Result<void> finish();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

private:
  struct Zstd;
  const ByteSink& sink_;
  std::unique_ptr<Zstd> zstd_;
};

} // namespace store
