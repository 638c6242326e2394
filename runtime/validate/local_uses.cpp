// Skips over instructions by the kinds of their immediates, a table computed from opcodes.def.
#include "runtime/validate/local_uses.hpp"
#include "runtime/types/opcodes.hpp"
#include <limits>

namespace runtime {
namespace {

enum class Skip : uint8_t {
  none,
  leb,           // one integer
  call_leb,      // the same, and a call
  call_leb_pair, // two, and a call
  four,          // fixed widths
  eight,
  memarg,
  block, // a block type; opens a block
  loop,
  end,
  local,
  br_table,
  select_t,
  try_table,
  prefix,
  stop, // no instruction
};

constexpr std::array<Skip, 256> make_skips() {
  std::array<Skip, 256> skips{};
  skips.fill(Skip::stop);
  const auto skip_of = [](Op op, OpFamily family) {
    switch (op) {
    case Op::block:
    case Op::if_: return Skip::block;
    case Op::loop: return Skip::loop;
    case Op::end: return Skip::end;
    case Op::try_table: return Skip::try_table;
    case Op::br_table: return Skip::br_table;
    case Op::select_t: return Skip::select_t;
    case Op::local_get:
    case Op::local_set:
    case Op::local_tee: return Skip::local;
    case Op::call_indirect:
    case Op::return_call_indirect: return Skip::call_leb_pair;
    case Op::call:
    case Op::return_call:
    case Op::call_ref:
    case Op::return_call_ref:
    case Op::memory_grow: return Skip::call_leb;
    case Op::f32_const: return Skip::four;
    case Op::f64_const: return Skip::eight;
    case Op::throw_:
    case Op::br:
    case Op::br_if:
    case Op::br_on_null:
    case Op::br_on_non_null:
    case Op::ref_null:
    case Op::ref_func: return Skip::leb;
    default: break;
    }
    switch (family) {
    case OpFamily::load:
    case OpFamily::store: return Skip::memarg;
    case OpFamily::variable:
    case OpFamily::table:
    case OpFamily::memory:
    case OpFamily::constant: return Skip::leb;
    default: return Skip::none;
    }
  };
#define OP(identifier, code, text, family, signature, extra, feature)                                                  \
  if (code < 256) skips[code & 0xff] = skip_of(Op::identifier, OpFamily::family);
#include "runtime/types/opcodes.def"
#undef OP
  for (uint32_t prefix = kFirstPrefix; prefix <= kLastPrefix; ++prefix) skips[prefix] = Skip::prefix;
  return skips;
}

constexpr std::array<Skip, 256> kSkips = make_skips();

void skip_heap_type(Reader& body) { static_cast<void>(body.s33()); }

void skip_val_type(Reader& body) {
  const uint8_t code = body.byte();
  if (code == 0x63 || code == 0x64) skip_heap_type(body);
}

void skip_block_type(Reader& body) {
  const uint8_t code = body.peek();
  if (code == 0x63 || code == 0x64)
    skip_val_type(body);
  else
    static_cast<void>(body.s33());
}

void skip_memarg(Reader& body) {
  if ((body.u32() & 0x40) != 0) body.u32();
  body.u64();
}

// An instruction behind its prefix byte; false when there is none. is_call: it is one of the runtime's functions.
bool skip_prefixed(Reader& body, uint32_t prefix, bool& is_call) {
  const uint32_t sub = body.u32();
  if (sub >= 0xffff) return false;
  const Op op = static_cast<Op>(prefix << 16 | sub);
  switch (op_info(op).family) {
  case OpFamily::numeric:
  case OpFamily::vector: return true;
  case OpFamily::memory:
  case OpFamily::table:
    is_call = op != Op::table_size;
    body.u32();
    if (op == Op::memory_init || op == Op::memory_copy || op == Op::table_init || op == Op::table_copy) body.u32();
    return true;
  case OpFamily::reference:
    if (op <= Op::ref_cast_null) skip_heap_type(body);
    return true;
  case OpFamily::control: // br_on_cast, br_on_cast_fail
    body.byte();
    body.u32();
    skip_heap_type(body);
    skip_heap_type(body);
    return true;
  case OpFamily::aggregate:
    if (op == Op::array_len) return true;
    body.u32();
    switch (op) {
    case Op::struct_get:
    case Op::struct_get_s:
    case Op::struct_get_u:
    case Op::struct_set:
    case Op::array_new_fixed:
    case Op::array_new_data:
    case Op::array_new_elem:
    case Op::array_copy:
    case Op::array_init_data:
    case Op::array_init_elem: body.u32(); break;
    default: break;
    }
    return true;
  case OpFamily::constant:
  case OpFamily::vector_shuffle: static_cast<void>(body.bytes(16)); return true;
  case OpFamily::vector_lane:
  case OpFamily::fence: body.byte(); return true;
  case OpFamily::vector_memory:
  case OpFamily::atomic: skip_memarg(body); return true;
  case OpFamily::vector_memory_lane:
    skip_memarg(body);
    body.byte();
    return true;
  default: return false;
  }
}

} // namespace

uint32_t count_local_uses(Reader body, uint32_t locals, std::vector<uint32_t>& uses) {
  uses.assign(locals, 0);
  std::vector<bool> is_loop; // of the open blocks
  uint32_t loops = 0, weight = 1, calls = 0;
  const auto add = [](uint32_t& count, uint32_t amount) {
    const uint32_t room = std::numeric_limits<uint32_t>::max() - count;
    count += amount < room ? amount : room;
  };
  const auto weigh = [&] {
    weight = 1;
    for (uint32_t i = 0; i < loops && i < kWeightedLoops; ++i) weight *= kLoopWeight;
  };
  bool is_call = false;
  while (!body.at_end()) {
    const uint8_t code = body.byte();
    switch (kSkips[code]) {
    case Skip::none: break;
    case Skip::local: {
      const uint32_t index = body.u32();
      if (index >= locals) return calls;
      add(uses[index], weight);
      break;
    }
    case Skip::call_leb: add(calls, weight); [[fallthrough]];
    case Skip::leb: body.s64(); break; // the widest; u32 immediates are shorter
    case Skip::call_leb_pair:
      add(calls, weight);
      body.u32();
      body.u32();
      break;
    case Skip::four: static_cast<void>(body.bytes(4)); break;
    case Skip::eight: static_cast<void>(body.bytes(8)); break;
    case Skip::memarg: skip_memarg(body); break;
    case Skip::block:
    case Skip::loop:
    case Skip::try_table:
      skip_block_type(body);
      if (kSkips[code] == Skip::try_table) {
        const uint32_t clauses = body.length();
        for (uint32_t i = 0; i < clauses; ++i) {
          if (body.byte() < 2) body.u32();
          body.u32();
        }
      }
      is_loop.push_back(kSkips[code] == Skip::loop);
      if (is_loop.back()) {
        ++loops;
        weigh();
      }
      break;
    case Skip::end:
      if (is_loop.empty()) return calls;
      if (is_loop.back()) {
        --loops;
        weigh();
      }
      is_loop.pop_back();
      break;
    case Skip::br_table: {
      const uint32_t count = body.length();
      for (uint32_t i = 0; i <= count && !body.failed(); ++i) body.u32();
      break;
    }
    case Skip::select_t: {
      const uint32_t count = body.length();
      for (uint32_t i = 0; i < count && !body.failed(); ++i) skip_val_type(body);
      break;
    }
    case Skip::prefix:
      is_call = false;
      if (!skip_prefixed(body, code, is_call)) return calls;
      if (is_call) add(calls, weight);
      break;
    case Skip::stop: return calls;
    }
  }
  return calls;
}

} // namespace runtime
