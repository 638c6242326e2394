// The instructions of WebAssembly (spec §5.4) as one enumeration, with a table of what is regular about them: text
// name, family, immediates, signature, natural alignment, feature. Written once, in opcodes.def.
#pragma once
#include "runtime/types/types.hpp"
#include <algorithm>
#include <array>
#include <string_view>

namespace runtime {

// Value: the opcode byte, or (prefix byte << 16) | sub-opcode.
enum class Op : uint32_t {
#define OP(identifier, code, text, family, immediates, signature, extra, feature) identifier = code,
#include "runtime/types/opcodes.def"
#undef OP
};

enum class OpFamily : uint8_t {
  undefined, // no such instruction
  control,
  parametric,
  variable,
  table,
  memory, // size, grow and bulk instructions
  load,
  store,
  constant,
  numeric,
  reference,
  aggregate, // struct.* and array.*
  vector,
  vector_lane,
  vector_shuffle,
  vector_memory,
  vector_memory_lane,
  atomic,
  fence,
};

// What can follow an opcode (spec §5.4), by the word that stands for it in opcodes.def.
enum class Immediate : uint8_t {
  none,
  // Of no fixed size.
  block_type,
  labels, // a vector, and the default behind it
  value_types,
  catches, // a vector of clauses
  // One unsigned 32-bit integer.
  label,
  function,
  type,
  table,
  memory,
  global,
  local,
  tag,
  element, // of a segment
  data,    // of a segment
  field,   // of the structure type before it
  count,
  // Others.
  memarg, // flags with the alignment, the memory where a flag says so, offset
  lane,   // a byte
  lanes,  // sixteen of them
  i32,    // literals
  i64,
  f32,
  f64,
  v128,
  heap_type,
  cast_flags, // a byte: bit 0, the source is nullable; bit 1, the target
  zero,       // a byte
};
[[nodiscard]] constexpr bool has_fixed_size(Immediate kind) { return kind > Immediate::catches; }
[[nodiscard]] constexpr bool is_u32(Immediate kind) { return kind >= Immediate::label && kind <= Immediate::count; }
inline constexpr size_t kImmediateKinds = static_cast<size_t>(Immediate::zero) + 1;

// An operand's or result's type as signatures in opcodes.def write it.
enum class StackType : uint8_t {
  none,
  i32,
  i64,
  f32,
  f64,
  v128,
  eqref,
  i31ref,
  i31_non_null,
  arrayref,
  exnref,
  // The rest depends on the immediates.
  address,        // of the first memory or table
  second_address, // of the second
  length,         // what both addresses can hold
  element,        // of the first table
  variable,       // the local's or global's
};
inline constexpr size_t kStackTypes = static_cast<size_t>(StackType::variable) + 1;

// By StackType; bottom where the immediates decide.
inline constexpr std::array<ValType, kStackTypes> kFixedTypes = {
    ValKind::bottom,
    ValKind::i32,
    ValKind::i64,
    ValKind::f32,
    ValKind::f64,
    ValKind::v128,
    ValType::ref(HeapType::abstract(AbstractHeap::eq), true),
    ValType::ref(HeapType::abstract(AbstractHeap::i31), true),
    ValType::ref(HeapType::abstract(AbstractHeap::i31), false),
    ValType::ref(HeapType::abstract(AbstractHeap::array), true),
    ValType::ref(HeapType::abstract(AbstractHeap::exn), true),
};

enum class Feature : uint8_t {
  core1,
  sign_extension,
  saturating_truncation,
  bulk_memory,
  reference_types,
  simd,
  relaxed_simd,
  tail_calls,
  function_references,
  exceptions,
  gc,
  threads,
};

struct OpInfo {
  std::string_view text; // «i32.add»; select and ref.test/ref.cast have two opcodes each under one name
  OpFamily family = OpFamily::undefined;
  Feature feature = Feature::core1;
  uint8_t param_count : 7 = 0;
  bool is_constant : 1 = false;            // may stand in a constant expression
  uint8_t extra = 0;                       // natural_align_log2 or lanes
  std::array<Immediate, 4> immediates{};   // in the binary format's order; none behind the last
  std::array<StackType, 3> param_types{};  // deepest first; none of them where the signature is empty
  StackType result_type = StackType::none; // none, too, where there is no result
  // The same as kinds; bottom: no number or vector type.
  std::array<ValKind, 3> params{ValKind::bottom, ValKind::bottom, ValKind::bottom};
  ValKind result = ValKind::bottom;
  [[nodiscard]] constexpr uint32_t natural_align_log2() const { return extra; } // with a memarg
  // How many lane indices there are, with lane or lanes.
  [[nodiscard]] constexpr uint32_t lanes() const {
    return family == OpFamily::vector_memory_lane ? 16u >> extra : extra;
  }
  [[nodiscard]] constexpr bool opens_block() const { return immediates[0] == Immediate::block_type; }
  [[nodiscard]] constexpr bool has(Immediate kind) const {
    return std::ranges::find(immediates, kind) != immediates.end();
  }
};
static_assert(sizeof(OpInfo) == 32);

inline constexpr uint32_t kFirstPrefix = 0xfb, kLastPrefix = 0xfe; // gc, numeric and bulk, vector, atomic

namespace opcode_table {
// Dense index: one byte opcodes, then each prefix's sub-opcodes.
inline constexpr uint32_t kPrefixBase[] = {256, 256 + 32, 256 + 64, 256 + 64 + 288}, kSize = 256 + 64 + 288 + 80;
inline constexpr uint32_t kPrefixCount[] = {32, 32, 288, 80};
extern const std::array<OpInfo, kSize> kInfos;
} // namespace opcode_table

// Any value is allowed; what is no instruction has family `undefined` and an empty text.
[[nodiscard]] inline const OpInfo& op_info(Op op) {
  const uint32_t code = static_cast<uint32_t>(op), prefix = code >> 16, sub = code & 0xffff;
  if (prefix == 0) return opcode_table::kInfos[sub < 256 ? sub : 255];
  if (prefix < kFirstPrefix || prefix > kLastPrefix || sub >= opcode_table::kPrefixCount[prefix - kFirstPrefix])
    return opcode_table::kInfos[255];
  return opcode_table::kInfos[opcode_table::kPrefixBase[prefix - kFirstPrefix] + sub];
}

// The instruction of a text name. Of a name with two opcodes the plain one: select without a type, ref.test and
// ref.cast of a non-nullable type.
[[nodiscard]] std::optional<Op> find_op(std::string_view text_name);

} // namespace runtime
