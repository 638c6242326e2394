#include "store/remote/compression.hpp"
#include <lzma.h>
#include <new>
#include <vector>
#include <zstd.h>

namespace store {

namespace {

constexpr int kZstdLevel = 3;
constexpr uint64_t kXzMemoryBytes = uint64_t{128} << 20; // xz -9 needs 65 MiB
constexpr size_t kXzOutBytes = size_t{128} << 10;

} // namespace

struct Decompressor::Zstd {
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream{ZSTD_createDStream(), ZSTD_freeDStream};
  std::vector<std::byte> out{ZSTD_DStreamOutSize()};
  size_t pending = 0; // zstd's word on whether a frame is still open
};

struct Decompressor::Xz {
  lzma_stream stream = LZMA_STREAM_INIT;
  std::vector<std::byte> out{kXzOutBytes};
  bool complete = false;

  Xz() {
    if (lzma_stream_decoder(&stream, kXzMemoryBytes, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc{};
  }
  ~Xz() { lzma_end(&stream); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;

  static std::unexpected<Error> failed(lzma_ret code) {
    switch (code) {
    case LZMA_MEMLIMIT_ERROR:
      return std::unexpected(
          Error{.code = ErrorCode::limit,
                .message = "the xz stream needs more than " + std::to_string(kXzMemoryBytes) + " bytes of memory"});
    case LZMA_MEM_ERROR: throw std::bad_alloc{};
    case LZMA_BUF_ERROR:
      return std::unexpected(Error{.code = ErrorCode::malformed, .message = "the xz stream is truncated"});
    default: return std::unexpected(Error{.code = ErrorCode::malformed, .message = "the xz stream is corrupt"});
    }
  }

  // LZMA_FINISH says that `data` is the last of the input.
  Result<void> run(Bytes data, lzma_action action, const ByteSink& sink) {
    stream.next_in = reinterpret_cast<const uint8_t*>(data.data());
    stream.avail_in = data.size();
    while (!complete) {
      stream.next_out = reinterpret_cast<uint8_t*>(out.data());
      stream.avail_out = out.size();
      const lzma_ret code = lzma_code(&stream, action);
      const size_t made = out.size() - stream.avail_out;
      if (code != LZMA_OK && code != LZMA_STREAM_END && !(code == LZMA_BUF_ERROR && action == LZMA_RUN))
        return failed(code);
      if (made != 0) TRY_VOID(sink(Bytes{out}.first(made)));
      complete = code == LZMA_STREAM_END;
      if (action == LZMA_RUN && stream.avail_in == 0 && stream.avail_out != 0) return {};
    }
    return {};
  }
};

Decompressor::Decompressor(const ByteSink& sink, std::unique_ptr<Zstd> zstd, std::unique_ptr<Xz> xz)
    : sink_(&sink), zstd_(std::move(zstd)), xz_(std::move(xz)) {}
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

Result<Decompressor> Decompressor::make(std::string_view compression, const ByteSink& sink) {
  if (compression == "none") return Decompressor{sink, nullptr, nullptr};
  if (compression == "zstd") return Decompressor{sink, std::make_unique<Zstd>(), nullptr};
  if (compression == "xz") return Decompressor{sink, nullptr, std::make_unique<Xz>()};
  return std::unexpected(Error{.code = ErrorCode::unsupported,
                               .message = "compression \"" + std::string{compression} + "\" is not supported"});
}

Result<void> Decompressor::feed(Bytes data) {
  if (xz_) return xz_->run(data, LZMA_RUN, *sink_);
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
  if (xz_) return xz_->run({}, LZMA_FINISH, *sink_);
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
