// The baseline compiler's abstract operand stack: what is known of each value on the stack of the function being
// compiled, and the two questions that have to be answered fast. Which entry owns a register? Which entries are a local
// that is about to change? It emits no code; who moves a value tells it so.
//
// Invariants, before and after each call:
//   Entry i has slot i of the frame and no other, so moves between slots never cross.
//   A register is in one entry at most, its owner. Popped operands own nothing here, wherever they are.
//   The entries that are one local form a chain, newest (topmost) first, and all of them are in it.
//   Flags are on top only, because the next instruction that is emitted may change them.
//   The lowest entries, settled() of them, are slots or constants.
#pragma once
#include "runtime/codegen/baseline/operand.hpp"
#include "runtime/codegen/baseline/register_pool.hpp"
#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace runtime::baseline {

class OperandStack {
public:
  static constexpr uint32_t kNoEntry = Operand::kNoEntry;

  OperandStack() { reset(0); }
  // Empty, for a function with that many locals.
  void reset(uint32_t local_count) {
    entries_.clear();
    newest_alias_.assign(local_count, kNoEntry);
    gpr_owner_.fill(kNoEntry);
    xmm_owner_.fill(kNoEntry);
    settled_ = 0;
  }

  [[nodiscard]] uint32_t height() const { return static_cast<uint32_t>(entries_.size()); }
  [[nodiscard]] const Operand& top() const { return entries_.back(); }
  [[nodiscard]] const Operand& operator[](uint32_t index) const { return entries_[index]; }
  [[nodiscard]] std::span<const Operand> topmost(size_t count) const { return std::span(entries_).last(count); }
  [[nodiscard]] bool has_flags() const { return !entries_.empty() && entries_.back().is_flags(); }
  [[nodiscard]] uint32_t settled() const { return settled_; }

  // The entry that owns a register, or kNoEntry.
  [[nodiscard]] uint32_t owner(Gpr reg) const { return gpr_owner_[static_cast<size_t>(reg)]; }
  [[nodiscard]] uint32_t owner(Xmm reg) const { return xmm_owner_[static_cast<size_t>(reg)]; }
  // The deepest entry that owns one of these, or kNoEntry.
  template <class Reg> [[nodiscard]] uint32_t deepest_owner(RegisterSet<Reg> registers) const {
    uint32_t deepest = kNoEntry;
    for (const Reg reg : registers) deepest = std::min(deepest, owner(reg));
    return deepest;
  }
  // The topmost entry that is this local, or kNoEntry.
  [[nodiscard]] uint32_t newest_alias(uint32_t local) const { return newest_alias_[local]; }

  // A new operand or a popped one, perhaps moved; a slot only as the one of its entry. A local's link is made here.
  // Inlined, because nearly all callers know the operand's place: 1.2 % of the instructions that compiling takes.
  [[gnu::always_inline]] void push(const Operand& operand) {
    assert(!has_flags());
    assert(!operand.is_slot() || operand.slot_index() == height());
    if (operand.is_local()) return push_local(operand.type(), operand.local_index());
    own(operand, height());
    entries_.push_back(operand);
  }
  void push_local(ValKind type, uint32_t local) {
    assert(!has_flags());
    const uint32_t older = std::exchange(newest_alias_[local], height());
    entries_.push_back(Operand::local(type, local, older));
  }

  Operand pop() {
    const Operand operand = entries_.back();
    entries_.pop_back();
    settled_ = std::min(settled_, height());
    if (operand.is_local())
      newest_alias_[operand.local_index()] = operand.older_alias();
    else
      own(operand, kNoEntry);
    return operand;
  }

  // An entry in a register, or a constant, is now in its slot.
  void set_slot(uint32_t index) {
    Operand& entry = entries_[index];
    assert(!entry.is_local() && !entry.is_flags());
    own(entry, kNoEntry);
    entry = Operand::slot(entry.type(), index);
  }

  // All entries become slots or constants: store(index, operand) is called for those that are neither, deepest first,
  // and leaves this stack alone.
  template <class Store> void settle(Store store) {
    for (uint32_t i = settled_; i < height(); ++i) {
      Operand& entry = entries_[i];
      assert(!entry.is_flags());
      if (entry.is_constant() || entry.is_slot()) continue;
      store(i, std::as_const(entry));
      if (entry.is_local())
        newest_alias_[entry.local_index()] = kNoEntry; // all of them go, here or before
      else
        own(entry, kNoEntry);
      entry = Operand::slot(entry.type(), i);
    }
    settled_ = height();
  }

  // No entry is this local afterwards: copy(index, operand) is called for those that were, newest first, and gives what
  // each becomes, a register or the entry's slot. It may call set_slot for others.
  template <class Copy> void unshare(uint32_t local, Copy copy) {
    uint32_t at = std::exchange(newest_alias_[local], kNoEntry);
    while (at != kNoEntry) {
      const Operand alias = entries_[at];
      const Operand moved = copy(at, alias);
      assert(!moved.is_slot() || moved.slot_index() == at);
      own(moved, at);
      entries_[at] = moved;
      at = alias.older_alias();
    }
  }

private:
  // The operand's register, if it is in one, is that entry's from now on.
  void own(const Operand& operand, uint32_t owner) {
    if (operand.is_gpr()) {
      uint32_t& now = gpr_owner_[static_cast<size_t>(operand.gpr())];
      assert(now == kNoEntry || owner == kNoEntry);
      now = owner;
    } else if (operand.is_xmm()) {
      uint32_t& now = xmm_owner_[static_cast<size_t>(operand.xmm())];
      assert(now == kNoEntry || owner == kNoEntry);
      now = owner;
    }
  }

  std::vector<Operand> entries_;
  std::vector<uint32_t> newest_alias_; // by local
  std::array<uint32_t, 16> gpr_owner_{}, xmm_owner_{};
  uint32_t settled_ = 0;
};

} // namespace runtime::baseline
