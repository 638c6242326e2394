// Walks over instructions as the table of their immediates says; names only those that it counts. The frequent forms
// are stepped over with the place in a register, by a table of their own that is computed from the other; every form
// has the general way, too.
#include "runtime/validate/local_uses.hpp"
#include "runtime/binary/immediates.hpp"
#include <limits>

namespace runtime {
namespace {

enum class Step : uint8_t {
  general,
  no_immediate,
  integer, // one
  memarg,
  local,
  block,
  end,
};

constexpr std::array<Step, 256> make_steps() {
  std::array<Step, 256> steps{};
  const auto step_of = [](Op op, std::string_view immediates) {
    if (op == Op::end) return Step::end;
    if (immediates.empty()) return Step::no_immediate;
    if (immediates == "memarg") return Step::memarg;
    if (immediates == "local") return Step::local;
    if (immediates == "block_type" && op != Op::loop) return Step::block;
    const bool is_integer =
        immediates == "label" || immediates == "global" || immediates == "i32" || immediates == "i64";
    return is_integer ? Step::integer : Step::general;
  };
#define OP(identifier, code, text, family, immediates, ...)                                                            \
  if (code < 256) steps[code & 0xff] = step_of(Op::identifier, immediates);
#include "runtime/types/opcodes.def"
#undef OP
  return steps;
}

constexpr std::array<Step, 256> kSteps = make_steps();

constexpr uint8_t kVectorPrefix = 0xfd;

// Whether an instruction with immediates calls a function, or one of the runtime's.
bool is_call(Op op, const OpInfo& info) {
  switch (info.family) {
  case OpFamily::control: return info.immediates[0] == Immediate::function || info.immediates[0] == Immediate::type;
  case OpFamily::memory: return op != Op::memory_size;
  case OpFamily::table: return op != Op::table_size && op != Op::table_get && op != Op::table_set;
  default: return false;
  }
}

} // namespace

BodyUses count_local_uses(Reader body, uint32_t locals, std::vector<uint32_t>& uses) {
  uses.assign(locals, 0);
  std::vector<bool> is_loop; // of the open blocks
  uint32_t loops = 0, weight = 1;
  BodyUses found;
  const auto add = [](uint32_t& count, uint32_t amount) {
    const uint32_t room = std::numeric_limits<uint32_t>::max() - count;
    count += amount < room ? amount : room;
  };
  const auto weigh = [&] {
    weight = 1;
    for (uint32_t i = 0; i < loops && i < kWeightedLoops; ++i) weight *= kLoopWeight;
  };
  const uint8_t* at = body.place();
  const uint8_t* const end = at + body.remaining();
  const auto skip_integer = [&] {
    while (at < end && *at++ >= 0x80) {
    }
  };
  while (at < end) {
    const uint8_t next = end - at > 1 ? at[1] : 0x80; // what is no byte has no frequent form
    switch (kSteps[*at]) {
    case Step::no_immediate: ++at; continue;
    case Step::integer:
      ++at;
      skip_integer();
      continue;
    case Step::memarg:
      if (next >= 0x40) break; // names its memory
      at += 2;
      skip_integer();
      continue;
    case Step::local:
      if (next >= 0x80) break;
      if (next >= locals) return found;
      add(uses[next], weight);
      at += 2;
      continue;
    case Step::block:
      if (next != 0x40) break;
      is_loop.push_back(false);
      at += 2;
      continue;
    case Step::end:
      if (is_loop.empty()) return found;
      if (is_loop.back()) {
        --loops;
        weigh();
      }
      is_loop.pop_back();
      ++at;
      continue;
    case Step::general: break;
    }
    found.has_vectors |= *at == kVectorPrefix;
    body.go_to(at);
    const Op op = read_op(body);
    const OpInfo& info = op_info(op);
    if (info.family == OpFamily::undefined) return found;
    if (info.immediates[0] == Immediate::local) {
      const uint32_t index = body.u32();
      if (index >= locals) return found;
      add(uses[index], weight);
    } else {
      skip_immediates(body, info);
      if (is_call(op, info)) add(found.call_weight, weight);
      if (info.opens_block()) is_loop.push_back(op == Op::loop);
      if (op == Op::loop) {
        ++loops;
        weigh();
      }
    }
    at = body.place();
  }
  return found;
}

} // namespace runtime
