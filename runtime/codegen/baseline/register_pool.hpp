// Sets of registers, and the pool of those that hold temporary values while a function is compiled.
//
// Registers outside of the pool belong to locals (or to the convention). An operand may be in one of those; releasing
// it then changes nothing, so that users need not ask.
#pragma once
#include <bit>
#include <cassert>
#include <cstdint>
#include <initializer_list>

namespace runtime::baseline {

// Reg: Gpr or Xmm. Iterates from the lowest number up.
template <class Reg> class RegisterSet {
public:
  class Iterator {
  public:
    constexpr explicit Iterator(uint32_t left) : left_(left) {}
    constexpr Reg operator*() const { return static_cast<Reg>(std::countr_zero(left_)); }
    constexpr Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

  private:
    uint32_t left_;
  };

  constexpr RegisterSet() = default;
  constexpr RegisterSet(std::initializer_list<Reg> registers) {
    for (const Reg reg : registers) add(reg);
  }
  // Registers 0 to count - 1.
  [[nodiscard]] static constexpr RegisterSet first(uint32_t count) {
    RegisterSet set;
    set.bits_ = (1u << count) - 1;
    return set;
  }

  constexpr void add(Reg reg) { bits_ |= bit(reg); }
  constexpr void remove(Reg reg) { bits_ &= ~bit(reg); }
  [[nodiscard]] constexpr bool contains(Reg reg) const { return (bits_ & bit(reg)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr Reg lowest() const {
    assert(!empty());
    return *begin();
  }
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(bits_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(0); }
  [[nodiscard]] constexpr RegisterSet operator-(RegisterSet other) const {
    RegisterSet set;
    set.bits_ = bits_ & ~other.bits_;
    return set;
  }
  constexpr bool operator==(const RegisterSet&) const = default;

private:
  static constexpr uint32_t bit(Reg reg) { return 1u << static_cast<uint32_t>(reg); }
  uint32_t bits_ = 0;
};

template <class Reg> class RegisterPool {
public:
  void reset(RegisterSet<Reg> temporaries) { temporaries_ = free_ = temporaries; }
  [[nodiscard]] bool is_temporary(Reg reg) const { return temporaries_.contains(reg); }
  [[nodiscard]] bool is_free(Reg reg) const { return free_.contains(reg); }
  [[nodiscard]] RegisterSet<Reg> free() const { return free_; }
  [[nodiscard]] RegisterSet<Reg> taken() const { return temporaries_ - free_; }
  void take(Reg reg) { free_.remove(reg); }
  void release(Reg reg) {
    if (is_temporary(reg)) free_.add(reg);
  }

private:
  RegisterSet<Reg> temporaries_, free_;
};

} // namespace runtime::baseline
