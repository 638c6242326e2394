// Archives as xz, which stock nix uploads by default: what xz wrote is read, what is broken is told from what is whole.
#include "store/remote/compression.hpp"
#include <catch2/catch.hpp>
#include <lzma.h>
#include <string>
#include <vector>

namespace {

std::string xz(std::string_view text) {
  std::vector<uint8_t> out(lzma_stream_buffer_bound(text.size()));
  size_t size = 0;
  REQUIRE(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                                  text.size(), out.data(), &size, out.size()) == LZMA_OK);
  return {out.begin(), out.begin() + static_cast<ptrdiff_t>(size)};
}

store::Result<std::string> read(std::string_view compressed, size_t piece_bytes, size_t limit_bytes = SIZE_MAX) {
  std::string text;
  const store::ByteSink sink = [&](store::Bytes data) -> store::Result<void> {
    if (text.size() + data.size() > limit_bytes)
      return std::unexpected(store::Error{.code = store::ErrorCode::sink, .message = "enough"});
    text.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
  auto decompressor = store::Decompressor::make("xz", sink);
  if (!decompressor) return std::unexpected(decompressor.error());
  for (size_t at = 0; at < compressed.size(); at += piece_bytes)
    TRY_VOID(decompressor->feed(store::as_bytes(compressed.substr(at, piece_bytes))));
  TRY_VOID(decompressor->finish());
  return text;
}

const std::string kText = [] {
  std::string text;
  for (int line = 0; line < 50000; ++line) text += std::to_string(line * 7919) + "\n";
  return text;
}();

} // namespace

TEST_CASE("xz is read, in pieces of every size") {
  const std::string compressed = xz(kText);
  for (const size_t piece : {size_t{1}, size_t{1000}, compressed.size()})
    CHECK(read(compressed, piece).value() == kText);
}

TEST_CASE("xz of nothing is nothing") { CHECK(read(xz(""), 1).value().empty()); }

TEST_CASE("xz streams after one another are one text") { CHECK(read(xz("one ") + xz("two"), 5).value() == "one two"); }

TEST_CASE("truncated xz is malformed, wherever it ends") {
  const std::string compressed = xz("some text that is cut off");
  for (size_t size = 0; size < compressed.size(); ++size) {
    const auto result = read(std::string_view{compressed}.substr(0, size), 7);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == store::ErrorCode::malformed);
  }
}

TEST_CASE("corrupted xz is malformed") {
  std::string compressed = xz(kText);
  compressed[compressed.size() / 2] ^= 1;
  const auto result = read(compressed, 1000);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == store::ErrorCode::malformed);
}

TEST_CASE("an xz bomb ends at the sink's limit") {
  const auto result = read(xz(std::string(size_t{64} << 20, '\0')), 1 << 20, 1 << 20);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == store::ErrorCode::sink);
}

TEST_CASE("an xz stream that asks for more memory than xz -9 needs is refused") {
  lzma_options_lzma options;
  REQUIRE_FALSE(lzma_lzma_preset(&options, 0));
  options.dict_size = uint32_t{256} << 20;
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::vector<uint8_t> out(1024);
  size_t size = 0;
  const uint8_t byte = 'x';
  REQUIRE(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, nullptr, &byte, 1, out.data(), &size, out.size()) ==
          LZMA_OK);
  const auto result = read({reinterpret_cast<const char*>(out.data()), size}, size);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == store::ErrorCode::limit);
}
