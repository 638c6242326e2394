// Each kind of immediate: how it is read and how it is skipped.
#include "runtime/binary/immediates.hpp"

namespace runtime {
namespace {

void skip_val_type(Reader& reader) {
  const uint8_t code = reader.byte();
  if (code == 0x63 || code == 0x64) static_cast<void>(reader.s33());
}

void skip_block_type(Reader& reader) {
  const uint8_t code = reader.peek();
  if (code == 0x63 || code == 0x64)
    skip_val_type(reader);
  else
    static_cast<void>(reader.s33());
}

void skip_catches(Reader& reader) {
  const uint32_t clauses = reader.length();
  for (uint32_t i = 0; i < clauses && !reader.failed(); ++i) {
    if (reader.byte() < 2) reader.u32(); // the tag, of catch and catch_ref
    reader.u32();
  }
}

} // namespace

void read_immediates(Reader& reader, const OpInfo& info, const TypeScope& scope, Immediates& immediates) {
  for (size_t place = 0; place < info.immediates.size(); ++place) {
    uint64_t& value = immediates.values[place];
    switch (info.immediates[place]) {
    case Immediate::none:
    case Immediate::block_type:
    case Immediate::labels:
    case Immediate::value_types:
    case Immediate::catches: return;
    case Immediate::label:
    case Immediate::function:
    case Immediate::type:
    case Immediate::table:
    case Immediate::memory:
    case Immediate::global:
    case Immediate::local:
    case Immediate::tag:
    case Immediate::element:
    case Immediate::data:
    case Immediate::field:
    case Immediate::count: value = reader.u32(); break;
    case Immediate::memarg:
      read_memarg(reader, immediates.memarg);
      value = immediates.memarg.memory;
      break;
    case Immediate::lane: value = reader.byte(); break;
    case Immediate::lanes:
    case Immediate::v128:
      value = reader.fixed(8);
      immediates.values[place + 1] = reader.fixed(8);
      break;
    case Immediate::i32: value = static_cast<uint32_t>(reader.s32()); break;
    case Immediate::i64: value = static_cast<uint64_t>(reader.s64()); break;
    case Immediate::f32: value = reader.fixed(4); break;
    case Immediate::f64: value = reader.fixed(8); break;
    case Immediate::heap_type: value = read_heap_type(reader, scope).bits(); break;
    case Immediate::cast_flags:
      value = reader.byte();
      if (value > 3) reader.fail("malformed br_on_cast flags");
      break;
    case Immediate::zero:
      value = reader.byte();
      if (value != 0) reader.fail("zero byte expected");
      break;
    }
  }
}

void skip_immediate(Reader& reader, Immediate kind) {
  switch (kind) {
  case Immediate::none: return;
  case Immediate::block_type: return skip_block_type(reader);
  case Immediate::labels: {
    const uint32_t count = reader.length();
    for (uint32_t i = 0; i <= count && !reader.failed(); ++i) reader.u32();
    return;
  }
  case Immediate::value_types: {
    const uint32_t count = reader.length();
    for (uint32_t i = 0; i < count && !reader.failed(); ++i) skip_val_type(reader);
    return;
  }
  case Immediate::catches: return skip_catches(reader);
  case Immediate::label:
  case Immediate::function:
  case Immediate::type:
  case Immediate::table:
  case Immediate::memory:
  case Immediate::global:
  case Immediate::local:
  case Immediate::tag:
  case Immediate::element:
  case Immediate::data:
  case Immediate::field:
  case Immediate::count: reader.u32(); return;
  case Immediate::memarg: {
    MemArg memarg;
    return read_memarg(reader, memarg);
  }
  case Immediate::lane:
  case Immediate::cast_flags:
  case Immediate::zero: reader.byte(); return;
  case Immediate::lanes:
  case Immediate::v128: // in halves, so that it fails where reading does
    reader.fixed(8);
    reader.fixed(8);
    return;
  case Immediate::i32: reader.s32(); return;
  case Immediate::i64: reader.s64(); return;
  case Immediate::f32: static_cast<void>(reader.bytes(4)); return;
  case Immediate::f64: static_cast<void>(reader.bytes(8)); return;
  case Immediate::heap_type: reader.s33(); return;
  }
}

} // namespace runtime
