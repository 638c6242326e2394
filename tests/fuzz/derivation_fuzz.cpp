// The text of derivations is canonical: what is accepted is what would be written.
#include "store/format/derivation.hpp"
#include <cstdlib>

using namespace store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const Result<Derivation> drv = Derivation::parse(text, "fuzz")) {
    if (drv->to_aterm() != text) std::abort();
    (void)drv->drv_path();
    Derivation filled = *drv;
    DerivationHashes hashes{[](const StorePath&) -> Result<Derivation> { return std::unexpected(Error{}); }};
    (void)hashes.fill_output_paths(filled);
  }
  return 0;
}
