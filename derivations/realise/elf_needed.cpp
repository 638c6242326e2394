// Strings of the dynamic section lie at virtual addresses, which the PT_LOAD headers map to file offsets.
#include "derivations/realise/elf_needed.hpp"
#include "store/posix/user_error.hpp"
#include <cstring>
#include <elf.h>

namespace realise {
namespace {

class Elf {
public:
  Elf(std::span<const std::byte> file, const std::string& subject) : file_(file), subject_(subject) {}

  template <class T> [[nodiscard]] T at(uint64_t offset) const {
    T value;
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) damaged();
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }
  [[nodiscard]] std::string string_at(uint64_t offset) const {
    if (offset >= file_.size()) damaged();
    const char* begin = reinterpret_cast<const char*>(file_.data()) + offset;
    const void* end = std::memchr(begin, 0, file_.size() - offset);
    if (end == nullptr) damaged();
    return {begin, static_cast<const char*>(end)};
  }
  [[noreturn]] void damaged() const { throw store::UserError(subject_ + ": the ELF file is damaged"); }

private:
  std::span<const std::byte> file_;
  const std::string& subject_;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(':', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

} // namespace

std::optional<ElfNeeds> read_elf_needs(std::span<const std::byte> file, const std::string& subject) {
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  const Elf elf{file, subject};
  const auto header = elf.at<Elf64_Ehdr>(0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
    throw store::UserError(subject + ": an ELF file for another machine than x86-64");
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr)) elf.damaged();

  std::vector<Elf64_Phdr> segments;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    if (header.e_phoff > file.size()) elf.damaged();
    segments.push_back(elf.at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)));
  }
  const auto file_offset = [&](uint64_t address) {
    for (const Elf64_Phdr& segment : segments)
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
        if (segment.p_offset > file.size()) elf.damaged();
        return segment.p_offset + (address - segment.p_vaddr);
      }
    elf.damaged();
  };

  ElfNeeds needs;
  std::vector<uint64_t> libraries;
  std::optional<uint64_t> strings, runpath, rpath;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_INTERP) needs.interpreter = elf.string_at(segment.p_offset);
    if (segment.p_type != PT_DYNAMIC) continue;
    if (segment.p_offset > file.size()) elf.damaged();
    for (uint64_t i = 0; i < segment.p_filesz / sizeof(Elf64_Dyn); ++i) {
      const auto entry = elf.at<Elf64_Dyn>(segment.p_offset + i * sizeof(Elf64_Dyn));
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED) libraries.push_back(entry.d_un.d_val);
      if (entry.d_tag == DT_STRTAB) strings = entry.d_un.d_ptr;
      if (entry.d_tag == DT_RUNPATH) runpath = entry.d_un.d_val;
      if (entry.d_tag == DT_RPATH) rpath = entry.d_un.d_val;
    }
  }
  if (libraries.empty() && !runpath && !rpath) return needs;
  if (!strings) elf.damaged();
  const uint64_t table = file_offset(*strings);
  const auto string = [&](uint64_t offset) {
    if (offset > file.size()) elf.damaged();
    return elf.string_at(table + offset);
  };
  for (const uint64_t offset : libraries) needs.libraries.push_back(string(offset));
  if (const auto search = runpath ? runpath : rpath) needs.search = split(string(*search));
  return needs;
}

} // namespace realise
