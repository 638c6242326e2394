// WebAssembly 3.0 types (spec §2.3) as 32-bit values. Type references are canonical TypeIds of one TypeRegistry (iso-
// recursive: equal types have equal ids, in all modules of an Engine), so that equality is integer equality.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace runtime {

enum class TypeId : uint32_t {}; // of a defined type in the Engine's TypeRegistry

// Abstract heap types (spec §2.3.3).
enum class AbstractHeap : uint8_t { func, nofunc, extern_, noextern, any, eq, i31, struct_, array, none, exn, noexn };

// 28 bits: a TypeId; or an index into the rec group being defined (only between decoding and canonicalisation); or an
// abstract heap type.
class HeapType {
public:
  static constexpr uint32_t kMaxTypeId = 0x07ff'ffff;
  static constexpr HeapType defined(TypeId id) { return HeapType{static_cast<uint32_t>(id)}; }
  static constexpr HeapType in_group(uint32_t index) { return HeapType{kGroup | index}; }
  static constexpr HeapType abstract(AbstractHeap heap) { return HeapType{kAbstract | static_cast<uint32_t>(heap)}; }
  // Below every heap type: what `ref.as_non_null` leaves of an unknown operand in dead code. On the validator's stack
  // only.
  static constexpr HeapType bottom() { return HeapType{kAbstract | 0xff}; }
  static constexpr HeapType from_bits(uint32_t bits) { return HeapType{bits}; }
  [[nodiscard]] constexpr uint32_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool is_abstract() const { return (bits_ & kAbstract) == kAbstract; }
  [[nodiscard]] constexpr bool is_in_group() const { return !is_abstract() && (bits_ & kGroup) != 0; }
  [[nodiscard]] constexpr bool is_defined() const { return (bits_ & kGroup) == 0; }
  [[nodiscard]] constexpr AbstractHeap abstract() const { return static_cast<AbstractHeap>(bits_ & 0xff); }
  [[nodiscard]] constexpr TypeId type_id() const { return TypeId{bits_}; }
  [[nodiscard]] constexpr uint32_t group_index() const { return bits_ & ~kGroup; }
  friend constexpr bool operator==(HeapType, HeapType) = default;

private:
  static constexpr uint32_t kGroup = 0x0800'0000, kAbstract = 0x0f00'0000;
  explicit constexpr HeapType(uint32_t bits) : bits_(bits) {}
  uint32_t bits_;
};

enum class ValKind : uint8_t { i32, i64, f32, f64, v128, ref, bottom }; // bottom: the unknown operand of dead code

class ValType {
public:
  constexpr ValType(ValKind kind = ValKind::bottom) : bits_(static_cast<uint32_t>(kind)) {} // not ref
  static constexpr ValType ref(HeapType heap, bool nullable) {
    ValType type;
    type.bits_ = static_cast<uint32_t>(ValKind::ref) | (nullable ? 8u : 0u) | heap.bits() << 4;
    return type;
  }
  static constexpr ValType funcref() { return ref(HeapType::abstract(AbstractHeap::func), true); }
  static constexpr ValType externref() { return ref(HeapType::abstract(AbstractHeap::extern_), true); }
  [[nodiscard]] constexpr ValKind kind() const { return static_cast<ValKind>(bits_ & 7); }
  [[nodiscard]] constexpr bool is_ref() const { return kind() == ValKind::ref; }
  [[nodiscard]] constexpr bool is_nullable() const { return (bits_ & 8) != 0; }
  [[nodiscard]] constexpr HeapType heap() const { return HeapType::from_bits(bits_ >> 4); }
  [[nodiscard]] constexpr bool is_num() const { return kind() <= ValKind::f64; }
  [[nodiscard]] constexpr bool is_float() const { return kind() == ValKind::f32 || kind() == ValKind::f64; }
  [[nodiscard]] constexpr bool is_defaultable() const { return !is_ref() || is_nullable(); }
  [[nodiscard]] constexpr uint32_t size_bytes() const {
    return kind() == ValKind::i32 || kind() == ValKind::f32 ? 4 : kind() == ValKind::v128 ? 16 : 8;
  }
  friend constexpr bool operator==(ValType, ValType) = default;

private:
  uint32_t bits_;
};
static_assert(sizeof(ValType) == 4);

enum class Packed : uint8_t { none, i8, i16 };
struct FieldType {
  ValType type; // i32 when packed
  Packed packed = Packed::none;
  bool mutable_ = false;
  friend bool operator==(const FieldType&, const FieldType&) = default;
};
struct FuncType {
  std::vector<ValType> params, results;
  friend bool operator==(const FuncType&, const FuncType&) = default;
};
struct StructType {
  std::vector<FieldType> fields;
  friend bool operator==(const StructType&, const StructType&) = default;
};
struct ArrayType {
  FieldType element;
  friend bool operator==(const ArrayType&, const ArrayType&) = default;
};
struct SubType {
  bool final_ = true;
  std::optional<HeapType> super; // at most one in Wasm 3.0; defined or in_group
  std::variant<FuncType, StructType, ArrayType> composite;
  friend bool operator==(const SubType&, const SubType&) = default;
};

struct Limits {
  uint64_t min = 0;
  std::optional<uint64_t> max;
  bool is_64 = false;
  bool shared = false;
  friend bool operator==(const Limits&, const Limits&) = default;
};
struct TableType {
  ValType element;
  Limits limits;
};
struct MemoryType {
  Limits limits; // pages of 64 KiB
};
struct GlobalType {
  ValType type;
  bool mutable_ = false;
};
struct TagType {
  TypeId type{};
};

inline constexpr uint64_t kWasmPageBytes = 65536;

} // namespace runtime
