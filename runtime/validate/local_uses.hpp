// How often a body names each of its locals, before it is compiled: what a single-pass compiler needs in order to keep
// the hot ones in registers.
#pragma once
#include "runtime/binary/reader.hpp"
#include <vector>

namespace runtime {

// Walks the instructions from where `body` stands (behind the local declarations; a copy, the caller's does not move)
// and fills `uses` with a count for each of `locals` locals, each mention weighted by kLoopWeight for every enclosing
// loop up to kWeightedLoops of them; counts saturate. Returns the calls (of functions, and of the runtime: bulk, table
// and grow instructions), weighted alike, and whether there is a vector instruction. Checks nothing: at bytes that are
// no code it stops, and the counts so far stand; validation then reports the error.
struct BodyUses {
  uint32_t call_weight = 0;
  bool has_vectors = false;
};
BodyUses count_local_uses(Reader body, uint32_t locals, std::vector<uint32_t>& uses);

inline constexpr uint32_t kLoopWeight = 8, kWeightedLoops = 5;

} // namespace runtime
