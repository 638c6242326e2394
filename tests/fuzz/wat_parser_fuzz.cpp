// Any bytes as a module in text form: an error, or a binary that the decoder accepts or refuses as invalid; never a
// malformed one, since the assembler follows the grammar.
#include "runtime/text/text.hpp"
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto binary = runtime::parse_wat({reinterpret_cast<const char*>(data), size});
  if (!binary) return 0;
  runtime::TypeRegistry types;
  auto decoded = runtime::decode_module(*std::move(binary), types);
  if (!decoded && decoded.error().kind == runtime::ErrorKind::malformed) {
    std::fprintf(stderr, "assembled a malformed module: %s\n", decoded.error().describe().c_str());
    std::abort();
  }
  return 0;
}
