// Symbol table format (.symbols, written by debug/symbol_table.py, little-endian): u32 count, u32 reserved, then count
// entries sorted by address {u32 address - kernel_text_begin, u32 offset of the name}, then NUL-terminated names.
#include "kernel/debug/backtrace.hpp"
#include "kernel/arch/traps.hpp"
#include "kernel/debug/line.hpp"
#include <cstring>

extern "C" {
extern const char kernel_text_begin[], kernel_text_end[], kernel_symbol_table[];
}

namespace kernel {
namespace {

constexpr uint64_t kMaxFrames = 100000; // of a chain that may be a circle
constexpr int kMaxLines = 48;

struct FrameLink {
  uint64_t caller_fp, return_address;
};

bool read_link(uint64_t fp, FrameLink& link) {
  if (fp == 0 || fp % 8 != 0) return false;
  struct Request {
    uint64_t fp;
    FrameLink* link;
  } request{fp, &link};
  return !arch::probe(
              [](void* argument) {
                auto* r = static_cast<Request*>(argument);
                const auto* source = reinterpret_cast<volatile const uint64_t*>(r->fp);
                *r->link = {source[0], source[1]};
              },
              &request)
              .trapped;
}

} // namespace

Symbol find_symbol(uint64_t address) {
  const auto begin = reinterpret_cast<uint64_t>(kernel_text_begin);
  if (address < begin || address >= reinterpret_cast<uint64_t>(kernel_text_end)) return {};
  const auto* words = reinterpret_cast<const uint32_t*>(kernel_symbol_table);
  const uint32_t count = words[0];
  const uint32_t* entries = words + 2;
  const char* names = kernel_symbol_table + 8 + uint64_t{count} * 8;
  const uint64_t target = address - begin;
  uint32_t low = 0;
  uint32_t high = count; // the last entry at or before target is at low - 1
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (entries[middle * 2] <= target)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return {};
  return {names + entries[(low - 1) * 2 + 1], target - entries[(low - 1) * 2]};
}

void print_backtrace(std::string_view prefix, uint64_t pc, uint64_t fp) {
  uint64_t repeats = 0;
  int lines = 0;
  const auto print_repeats = [&] {
    if (repeats != 0) Line().text(prefix).text("     … ").decimal(repeats).text(" more of the same\n").write();
    repeats = 0;
  };
  for (uint64_t i = 0; i < kMaxFrames && lines < kMaxLines && pc != 0; ++i) {
    // A return address may be the next function's first byte when the call was the last instruction: look one byte
    // before.
    const Symbol symbol = find_symbol(i == 0 ? pc : pc - 1);
    Line line;
    line.text(prefix).text("#").decimal(i).text(i < 10 ? "  " : " ").hex16(pc).text(" ");
    if (symbol.name.empty())
      line.text("(outside of the kernel)");
    else
      line.text(symbol.name).text("+").hex(symbol.offset + (i == 0 ? 0 : 1));
    line.text("\n").write();
    ++lines;
    FrameLink link;
    do { // recursion returns to one address again and again
      if (!read_link(fp, link)) return print_repeats();
      fp = link.caller_fp;
    } while (link.return_address == pc && ++repeats < kMaxFrames);
    print_repeats();
    pc = link.return_address;
  }
}

} // namespace kernel
