// Parallel moves among registers of one kind: all sources are read before any target is written. What arguments,
// results and parameters need that are where others have to go.
//
// Each target waits until no move reads it any more. What is left when nobody can go on are cycles; each is opened by
// one move to the scratch register and closed before the next is opened. n moves cost n instructions and one a cycle.
// Quadratic in at most kMaxMoves, and free of allocation: calls are compiled often.
#pragma once
#include <array>
#include <cstdint>

namespace runtime::x86_64 {

// Reg: Gpr or Xmm.
template <class Reg> class MoveResolver {
public:
  static constexpr uint32_t kMaxMoves = 16; // there are no more targets

  // Each register is the target of at most one move; it may be the source of many. A move to itself is none.
  void add(Reg to, Reg from) {
    if (to != from) moves_[count_++] = {to, from};
  }

  // Calls move(to, from) in an order that gives every target what its source held. `scratch` is no move's register.
  template <class Move> void resolve(Reg scratch, Move move) {
    while (count_ != 0) {
      if (move_what_can(move)) continue;
      const Reg opened = moves_[0].to;
      move(scratch, opened);
      for (uint32_t i = 0; i < count_; ++i)
        if (moves_[i].from == opened) moves_[i].from = scratch;
    }
  }

private:
  struct Pending {
    Reg to, from;
  };

  // One pass; false when only cycles are left.
  template <class Move> bool move_what_can(Move& move) {
    bool progress = false;
    for (uint32_t i = 0; i < count_;) {
      if (is_read(moves_[i].to)) {
        ++i;
        continue;
      }
      move(moves_[i].to, moves_[i].from);
      moves_[i] = moves_[--count_];
      progress = true;
    }
    return progress;
  }
  [[nodiscard]] bool is_read(Reg reg) const {
    bool found = false;
    for (uint32_t i = 0; i < count_; ++i) found |= moves_[i].from == reg;
    return found;
  }

  std::array<Pending, kMaxMoves> moves_;
  uint32_t count_ = 0;
};

} // namespace runtime::x86_64
