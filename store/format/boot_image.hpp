// Boot image: a generation's signed manifest and the NARs of its closure in one file that the boot loader hands to the
// kernel. Little-endian; do not change without a new magic.
//
//   offset  size
//        0     8  magic "KPKGBOOT"
//        8     4  version = 1
//       12     4  number of signatures s (1…64)
//       16     8  manifest size m
//       24     8  total image size
//       32     …  manifest, m bytes, zero-padded to 8
//        …     …  s signatures: u32 length, text «NAME:BASE64», each zero-padded to 8 with its length
//        …     …  zero padding to 4096
//        …     …  for each closure entry in the manifest's order: its NAR, zero-padded to 4096
//
// Nothing in the image is trusted but what the signed manifest names: parse() checks the frame only; verify() the
// signature and the expected generation hash; each NAR's hash before its use (check_nar_hash).
#pragma once
#include "store/format/generation.hpp"
#include "store/format/nar.hpp"
#include <functional>

namespace store {

struct BootImage {
  std::string_view manifest; // views into the image
  std::vector<Signature> signatures{};
  Generation generation{};
  Hash hash{};               // of the manifest, computed
  std::vector<Bytes> nars{}; // parallel to generation.closure

  // The image must outlive the result.
  [[nodiscard]] static Result<BootImage> parse(Bytes image);
  // Signature by a trusted key over the hash, and the hash the caller expects.
  [[nodiscard]] Result<void> verify(const Hash& expected, const std::vector<PublicKey>& trusted) const;
  // NAR i has the manifest's hash (and so its size).
  [[nodiscard]] Result<void> check_nar_hash(size_t index) const;
  [[nodiscard]] Result<Bytes> nar_of(const StorePath& path) const;
};

// Writes an image; `nar` writes closure entry i to the given sink. Fails when a NAR has another size than promised.
[[nodiscard]] Result<void> write_boot_image(std::string_view manifest_json, const std::vector<Signature>& signatures,
                                            const std::function<Result<void>(size_t index, const ByteSink&)>& nar,
                                            const ByteSink& sink);

} // namespace store
