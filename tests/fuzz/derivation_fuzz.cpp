// The text of derivations is canonical: what is accepted is what would be written. Admission takes a derivation only
// when what it states of its outputs is what would be filled in.
#include "store/format/derivation.hpp"
#include <cstdlib>

using namespace store;

namespace {

// The inputs that there are: one derivation, whatever it is asked for.
Result<Derivation> input(const StorePath&) {
  Derivation drv{.name = "input", .system = "s", .builder = "/b"};
  drv.outputs["out"] = {};
  DerivationHashes hashes{[](const StorePath&) -> Result<Derivation> { return std::unexpected(Error{}); }};
  TRY_VOID(hashes.fill_output_paths(drv));
  return drv;
}

void check_admission(const Derivation& stated) {
  DerivationHashes hashes{input};
  Derivation filled = stated;
  for (auto& [id, output] : filled.outputs) output.path.reset();
  const bool states_paths = stated.outputs.begin()->second.path.has_value();
  const bool can_fill = hashes.fill_output_paths(filled).has_value();
  const bool admitted = hashes.check_output_paths(stated).has_value();
  if (admitted && states_paths && (!can_fill || filled != stated)) std::abort();
  if (can_fill && !hashes.check_output_paths(filled) && !filled.outputs.begin()->second.path->is_derivation())
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const Result<Derivation> drv = Derivation::parse(text, "fuzz")) {
    if (drv->to_aterm() != text) std::abort();
    (void)drv->drv_path();
    check_admission(*drv);
  }
  return 0;
}
