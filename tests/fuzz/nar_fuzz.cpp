// A NAR that is accepted is what the writer writes, however it was cut into chunks; and no input is an accident.
#include "store/format/nar.hpp"
#include <algorithm>
#include <cstdlib>

using namespace store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input = std::as_bytes(std::span{data, size});
  const bool whole = check_nar(input).has_value();

  std::string copy;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    copy.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }};
  NarReader reader{writer};
  Result<void> fed;
  for (size_t at = 0, piece = 1; at < size && fed; at += piece, piece = piece % 13 + 1)
    fed = reader.feed(input.subspan(at, std::min(piece, size - at)));
  const bool pieces = fed && reader.finish();
  if (pieces != whole) std::abort();
  if (whole && (!writer.finish() || !std::ranges::equal(as_bytes(copy), input))) std::abort();
  (void)find_in_nar(input, "a/b");
  return 0;
}
