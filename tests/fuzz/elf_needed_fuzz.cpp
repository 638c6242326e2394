// The ELF reader on any bytes: an answer or a BuildError, and never a read outside of the file.
#include "derivations/build/build_error.hpp"
#include "derivations/build/elf_needed.hpp"
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    static_cast<void>(build::read_elf_needs(std::as_bytes(std::span{data, size}), "input"));
  } catch (const build::BuildError&) {
  }
  return 0;
}
