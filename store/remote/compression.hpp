// The compressions of archives in a binary cache (narinfo's Compression), as streams: "none" and "zstd".
#pragma once
#include "store/format/nar.hpp"
#include <memory>
#include <string_view>

namespace store {

// Decompresses what is fed to it into a sink. Errors: malformed (broken or truncated stream), or the sink's own.
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
  Decompressor(const ByteSink& sink, std::unique_ptr<Zstd> zstd);
  const ByteSink* sink_;
  std::unique_ptr<Zstd> zstd_; // null: none
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
