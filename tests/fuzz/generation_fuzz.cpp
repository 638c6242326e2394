// A manifest that is accepted is canonical, and passes its own check.
#include "store/format/generation.hpp"
#include <cstdlib>

using namespace store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const Result<Generation> generation = Generation::parse(text)) {
    if (generation->to_json() != text || !generation->check()) std::abort();
  }
  return 0;
}
