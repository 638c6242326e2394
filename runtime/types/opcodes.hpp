// The instructions of WebAssembly (spec §5.4) as one enumeration, with a table of what is regular about them: text
// name, family, plain signature, natural alignment, feature. Written once, in opcodes.def.
#pragma once
#include "runtime/types/types.hpp"
#include <array>
#include <string_view>

namespace runtime {

// Value: the opcode byte, or (prefix byte << 16) | sub-opcode.
enum class Op : uint32_t {
#define OP(identifier, code, text, family, signature, extra, feature) identifier = code,
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
  load,   // the signature leaves the address out, here and below
  store,
  constant,
  numeric,
  reference,
  aggregate, // struct.* and array.*
  vector,
  vector_lane,        // one lane index byte
  vector_shuffle,     // sixteen lane index bytes
  vector_memory,      // memarg
  vector_memory_lane, // memarg and lane index
  atomic,             // memarg
  fence,              // one zero byte
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
  uint8_t param_count = 0;
  uint8_t extra = 0;                // natural_align_log2 or lanes
  std::array<ValKind, 3> params{};  // first pushed first; only of families with a plain signature
  ValKind result = ValKind::bottom; // bottom: none
  [[nodiscard]] constexpr uint32_t natural_align_log2() const { return extra; } // families with a memarg
  [[nodiscard]] constexpr uint32_t lanes() const { return extra; }              // vector_lane, vector_shuffle
};

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
