// The ELF reader on any bytes: an answer or a UserError, and never a read outside of the file.
#include "derivations/realise/build_error.hpp"
#include "derivations/realise/elf_needed.hpp"
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    static_cast<void>(realise::read_elf_needs(std::as_bytes(std::span{data, size}), "input"));
  } catch (const store::UserError&) {
  }
  return 0;
}
