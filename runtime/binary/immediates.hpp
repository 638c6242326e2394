// What follows an opcode in the binary format (spec §5.4), read or skipped as the table of instructions says
// (opcodes.def). Failures stick to the reader.
//
// Immediates of no fixed size (block types, and vectors of labels, value types and catch clauses) are skipped here, but
// read where they are checked, item by item: they come first, or behind one another, so that a reader of an instruction
// meets them where the instruction's code ends.
#pragma once
#include "runtime/binary/type_reader.hpp"
#include "runtime/types/opcodes.hpp"

namespace runtime {

struct MemArg {
  uint32_t memory = 0;
  uint8_t align_log2 = 0;
  uint64_t offset = 0;
};

struct Immediates {
  // By place in OpInfo::immediates: an index, depth, count, lane or flags; a literal's bits; a HeapType's bits. Of v128
  // and lanes the upper half is in the place behind. Of memarg: the memory. Places that the instruction does not have
  // keep what they had.
  std::array<uint64_t, 4> values{};
  MemArg memarg;

  [[nodiscard]] uint32_t index(size_t place) const { return static_cast<uint32_t>(values[place]); }
  [[nodiscard]] HeapType heap(size_t place) const { return HeapType::from_bits(index(place)); }
};

// The code of an instruction, of one byte or behind a prefix. What is no instruction gives an Op that op_info does not
// know either.
[[nodiscard]] inline Op read_op(Reader& reader) {
  const uint32_t code = reader.byte();
  if (code < kFirstPrefix || code > kLastPrefix) return static_cast<Op>(code);
  const uint32_t sub = reader.u32();
  return static_cast<Op>(code << 16 | (sub < 0xffff ? sub : 0xffff));
}

// The frequent one alone.
inline void read_memarg(Reader& reader, MemArg& memarg) {
  constexpr uint32_t kMemoryFlag = 0x40, kFlagsEnd = 0x80;
  const uint32_t flags = reader.u32();
  if (flags >= kFlagsEnd) [[unlikely]]
    return reader.fail("malformed memop flags");
  memarg.align_log2 = flags & (kMemoryFlag - 1);
  memarg.memory = (flags & kMemoryFlag) != 0 ? reader.u32() : 0;
  memarg.offset = reader.u64();
}

// Those of fixed size, from behind the code.
void read_immediates(Reader& reader, const OpInfo& info, const TypeScope& scope, Immediates& immediates);

// Without looking at what they say.
void skip_immediate(Reader& reader, Immediate kind);
inline void skip_immediates(Reader& reader, const OpInfo& info) {
  for (const Immediate kind : info.immediates) {
    if (kind == Immediate::none) return;
    if (is_u32(kind))
      reader.u32();
    else
      skip_immediate(reader, kind);
  }
}

} // namespace runtime
