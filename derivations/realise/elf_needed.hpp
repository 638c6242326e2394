// What an ELF program asks of the dynamic loader: its interpreter (PT_INTERP), the names of its libraries (DT_NEEDED)
// and where it wants them looked for (DT_RUNPATH, DT_RPATH). 64-bit little-endian x86-64 files, as this host runs them.
// (System V ABI, chapters 4 and 5; AMD64 supplement.) A pure function over the bytes of the file; every offset is
// checked.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace realise {

struct ElfNeeds {
  std::string interpreter;            // "" for a library
  std::vector<std::string> libraries; // DT_NEEDED, in order
  std::vector<std::string> search;    // of RUNPATH, else RPATH, split at ':'; $ORIGIN unresolved
};

// None when the bytes are no ELF file. Throws UserError for one that is damaged or for another machine.
[[nodiscard]] std::optional<ElfNeeds> read_elf_needs(std::span<const std::byte> file, const std::string& subject);

} // namespace realise
