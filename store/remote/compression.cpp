#include "store/remote/compression.hpp"
#include <vector>
#include <zstd.h>

namespace store {

namespace {

constexpr int kZstdLevel = 3;

} // namespace

struct Decompressor::Zstd {
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream{ZSTD_createDStream(), ZSTD_freeDStream};
  std::vector<std::byte> out{ZSTD_DStreamOutSize()};
  size_t pending = 0; // zstd's word on whether a frame is still open
};

Decompressor::Decompressor(const ByteSink& sink, std::unique_ptr<Zstd> zstd) : sink_(&sink), zstd_(std::move(zstd)) {}
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

Result<Decompressor> Decompressor::make(std::string_view compression, const ByteSink& sink) {
  if (compression == "none") return Decompressor{sink, nullptr};
  if (compression == "zstd") return Decompressor{sink, std::make_unique<Zstd>()};
  return std::unexpected(Error{.code = ErrorCode::unsupported,
                               .message = "compression \"" + std::string{compression} + "\" is not supported"});
}

Result<void> Decompressor::feed(Bytes data) {
  if (!zstd_) return (*sink_)(data);
  ZSTD_inBuffer input{data.data(), data.size(), 0};
  while (input.pos < input.size) {
    ZSTD_outBuffer output{zstd_->out.data(), zstd_->out.size(), 0};
    const size_t pending = ZSTD_decompressStream(zstd_->stream.get(), &output, &input);
    if (ZSTD_isError(pending))
      return std::unexpected(
          Error{.code = ErrorCode::malformed, .message = std::string{"zstd: "} + ZSTD_getErrorName(pending)});
    zstd_->pending = pending;
    TRY_VOID((*sink_)(Bytes{zstd_->out}.first(output.pos)));
  }
  return {};
}

Result<void> Decompressor::finish() {
  if (zstd_ && zstd_->pending != 0)
    return std::unexpected(Error{.code = ErrorCode::malformed, .message = "the zstd stream is truncated"});
  return {};
}

struct Compressor::Zstd {
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context{ZSTD_createCCtx(), ZSTD_freeCCtx};
  std::vector<std::byte> out{ZSTD_CStreamOutSize()};

  Result<void> run(Bytes data, ZSTD_EndDirective end, const ByteSink& sink) {
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (true) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      const size_t left = ZSTD_compressStream2(context.get(), &output, &input, end);
      if (ZSTD_isError(left))
        return std::unexpected(Error{.code = ErrorCode::sink, .message = ZSTD_getErrorName(left)});
      TRY_VOID(sink(Bytes{out}.first(output.pos)));
      if (end == ZSTD_e_end ? left == 0 : input.pos == input.size) return {};
    }
  }
};

Compressor::Compressor(const ByteSink& sink) : sink_(sink), zstd_(std::make_unique<Zstd>()) {
  ZSTD_CCtx_setParameter(zstd_->context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(zstd_->context.get(), ZSTD_c_checksumFlag, 1);
}
Compressor::~Compressor() = default;

Result<void> Compressor::feed(Bytes data) { return zstd_->run(data, ZSTD_e_continue, sink_); }
Result<void> Compressor::finish() { return zstd_->run({}, ZSTD_e_end, sink_); }

} // namespace store
