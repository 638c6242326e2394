// Walks over instructions as the table of their immediates says; names only those that it counts.
#include "runtime/validate/local_uses.hpp"
#include "runtime/binary/immediates.hpp"
#include <limits>

namespace runtime {
namespace {

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
  while (!body.at_end()) {
    const uint8_t code = body.peek();
    const bool is_prefix = code >= kFirstPrefix && code <= kLastPrefix;
    if (!is_prefix) body.byte();
    const Op op = is_prefix ? read_op(body) : static_cast<Op>(code);
    const OpInfo& info = is_prefix ? op_info(op) : opcode_table::kInfos[code]; // without the search for the prefix
    switch (info.immediates[0]) {
    case Immediate::none:
      if (info.family == OpFamily::undefined) return calls;
      if (op != Op::end) break;
      if (is_loop.empty()) return calls;
      if (is_loop.back()) {
        --loops;
        weigh();
      }
      is_loop.pop_back();
      break;
    case Immediate::local: {
      const uint32_t index = body.u32();
      if (index >= locals) return calls;
      add(uses[index], weight);
      break;
    }
    case Immediate::block_type:
      skip_immediates(body, info);
      is_loop.push_back(op == Op::loop);
      if (is_loop.back()) {
        ++loops;
        weigh();
      }
      break;
    case Immediate::memarg: {
      MemArg memarg;
      read_memarg(body, memarg);
      if (info.immediates[1] != Immediate::none) skip_immediate(body, info.immediates[1]);
      break;
    }
    case Immediate::i32: body.s32(); break;
    default:
      skip_immediates(body, info);
      if (is_call(op, info)) add(calls, weight);
    }
  }
  return calls;
}

} // namespace runtime
