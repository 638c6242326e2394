// An operand of the baseline compiler: a value's type, and where it is.
//
//   gpr, xmm   in a register: one the operand owns, or a local's that the next instruction sets
//   constant   nowhere yet; i32 and f32 as zero-extended bits, references only as null
//              (never a v128: its constants are made in a register)
//   slot       in the frame's slot of that number
//   local      whatever local n holds now: not copied before the local changes
//   flags      an i32 that is 1 when a Test of the processor's flags holds, else 0
//
// What an operand says besides its type belongs to its place alone; asking for another place's is an error (asserted).
// On the operand stack, operands that are the same local are chained (operand_stack.hpp).
#pragma once
#include "runtime/codegen/x86_64/emitter.hpp"
#include "runtime/types/types.hpp"
#include <cassert>
#include <cstdint>
#include <type_traits>

namespace runtime::baseline {

using namespace x86_64; // what this compiler writes, from here down

// What the flags say: a condition code, or equality of floats, where unordered sets the parity flag.
enum class Test : uint8_t { float_eq = 16, float_ne = 17 };
[[nodiscard]] constexpr Test test_of(Cond cond) { return static_cast<Test>(cond); }
[[nodiscard]] constexpr Test negate(Test test) { return static_cast<Test>(static_cast<uint8_t>(test) ^ 1); }
[[nodiscard]] constexpr bool is_cond(Test test) { return test < Test::float_eq; }
[[nodiscard]] constexpr Cond cond_of(Test test) {
  assert(is_cond(test));
  return static_cast<Cond>(test);
}

[[nodiscard]] constexpr FloatWidth float_width_of(ValKind type) {
  return type == ValKind::f64 ? FloatWidth::f64 : FloatWidth::f32;
}

// Of values that live in vector registers: f32, f64, v128.
[[nodiscard]] constexpr bool in_xmm(ValKind type) { return type >= ValKind::f32 && type <= ValKind::v128; }

class Operand {
public:
  enum class Place : uint8_t { gpr, xmm, constant, slot, local, flags };
  static constexpr uint32_t kNoEntry = ~uint32_t{0};

  constexpr Operand() : Operand(constant(ValKind::i32, 0)) {}
  [[nodiscard]] static constexpr Operand gpr(ValKind type, Gpr reg) {
    Operand operand(Place::gpr, type);
    operand.gpr_ = reg;
    return operand;
  }
  [[nodiscard]] static constexpr Operand xmm(ValKind type, Xmm reg) {
    Operand operand(Place::xmm, type);
    operand.xmm_ = reg;
    return operand;
  }
  [[nodiscard]] static constexpr Operand constant(ValKind type, uint64_t bits) {
    Operand operand(Place::constant, type);
    operand.bits_ = bits;
    return operand;
  }
  [[nodiscard]] static constexpr Operand slot(ValKind type, uint32_t index) {
    Operand operand(Place::slot, type);
    operand.slot_index_ = index;
    return operand;
  }
  [[nodiscard]] static constexpr Operand local(ValKind type, uint32_t index, uint32_t older_alias = kNoEntry) {
    Operand operand(Place::local, type);
    operand.alias_ = {index, older_alias};
    return operand;
  }
  [[nodiscard]] static constexpr Operand flags(Test test) {
    Operand operand(Place::flags, ValKind::i32);
    operand.test_ = test;
    return operand;
  }

  [[nodiscard]] constexpr ValKind type() const { return type_; }
  [[nodiscard]] constexpr bool is_float() const { return type_ == ValKind::f32 || type_ == ValKind::f64; }
  [[nodiscard]] constexpr Width width() const { return type_ == ValKind::i32 ? Width::w32 : Width::w64; }
  [[nodiscard]] constexpr FloatWidth float_width() const {
    assert(is_float());
    return float_width_of(type_);
  }
  [[nodiscard]] constexpr bool is_vector() const { return type_ == ValKind::v128; }
  [[nodiscard]] constexpr bool in_xmm() const { return baseline::in_xmm(type_); }
  // The same bits seen as another type: as many of them, or the lower half.
  constexpr void retype(ValKind type) { type_ = type; }

  [[nodiscard]] constexpr Place place() const { return place_; }
  [[nodiscard]] constexpr bool is_gpr() const { return place_ == Place::gpr; }
  [[nodiscard]] constexpr bool is_xmm() const { return place_ == Place::xmm; }
  [[nodiscard]] constexpr bool is_constant() const { return place_ == Place::constant; }
  [[nodiscard]] constexpr bool is_slot() const { return place_ == Place::slot; }
  [[nodiscard]] constexpr bool is_local() const { return place_ == Place::local; }
  [[nodiscard]] constexpr bool is_local(uint32_t index) const { return is_local() && alias_.local_index == index; }
  [[nodiscard]] constexpr bool is_flags() const { return place_ == Place::flags; }

  [[nodiscard]] constexpr Gpr gpr() const {
    assert(is_gpr());
    return gpr_;
  }
  [[nodiscard]] constexpr Xmm xmm() const {
    assert(is_xmm());
    return xmm_;
  }
  [[nodiscard]] constexpr uint64_t bits() const {
    assert(is_constant());
    return bits_;
  }
  [[nodiscard]] constexpr uint32_t slot_index() const {
    assert(is_slot());
    return slot_index_;
  }
  [[nodiscard]] constexpr uint32_t local_index() const {
    assert(is_local());
    return alias_.local_index;
  }
  // The next older entry of the operand stack that is the same local, or kNoEntry.
  [[nodiscard]] constexpr uint32_t older_alias() const {
    assert(is_local());
    return alias_.older;
  }
  [[nodiscard]] constexpr Test test() const {
    assert(is_flags());
    return test_;
  }

private:
  struct Alias {
    uint32_t local_index, older;
  };

  constexpr Operand(Place place, ValKind type) : place_(place), type_(type), bits_(0) {}

  Place place_;
  ValKind type_;
  union { // by place_
    Gpr gpr_;
    Xmm xmm_;
    uint64_t bits_;
    uint32_t slot_index_;
    Alias alias_;
    Test test_;
  };
};
static_assert(sizeof(Operand) == 16 && std::is_trivially_copyable_v<Operand>);

} // namespace runtime::baseline
