// The opcode table and the look-up by text name, both computed at compile time from opcodes.def.
#include "runtime/types/opcodes.hpp"
#include <algorithm>

namespace runtime {
namespace {

constexpr ValKind kind_of(char letter) {
  switch (letter) {
  case 'i': return ValKind::i32;
  case 'I': return ValKind::i64;
  case 'f': return ValKind::f32;
  case 'F': return ValKind::f64;
  case 'v': return ValKind::v128;
  default: return ValKind::bottom;
  }
}

constexpr uint32_t dense_index(uint32_t code) {
  return code < 256 ? code : opcode_table::kPrefixBase[(code >> 16) - kFirstPrefix] + (code & 0xffff);
}

constexpr OpInfo make_info(std::string_view text, OpFamily family, std::string_view signature, uint8_t extra,
                           Feature feature) {
  OpInfo info{.text = text, .family = family, .feature = feature, .extra = extra};
  size_t at = 0;
  for (; at < signature.size() && signature[at] != ':'; ++at) info.params[info.param_count++] = kind_of(signature[at]);
  if (at + 1 < signature.size()) info.result = kind_of(signature[at + 1]);
  return info;
}

constexpr std::array<OpInfo, opcode_table::kSize> make_table() {
  std::array<OpInfo, opcode_table::kSize> table{};
#define OP(identifier, code, text, family, signature, extra, feature)                                                  \
  table[dense_index(code)] = make_info(text, OpFamily::family, signature, extra, Feature::feature);
#include "runtime/types/opcodes.def"
#undef OP
  return table;
}

struct NamedOp {
  std::string_view text;
  Op op;
};

#define OP(...) +1
constexpr size_t kOpCount = 0
#include "runtime/types/opcodes.def"
    ;
#undef OP

constexpr std::array<NamedOp, kOpCount> make_names() {
  std::array<NamedOp, kOpCount> names{{
#define OP(identifier, code, text, family, signature, extra, feature) {text, Op::identifier},
#include "runtime/types/opcodes.def"
#undef OP
  }};
  std::ranges::sort(names, [](const NamedOp& a, const NamedOp& b) {
    return a.text != b.text ? a.text < b.text : static_cast<uint32_t>(a.op) < static_cast<uint32_t>(b.op);
  });
  return names;
}

constexpr std::array<NamedOp, kOpCount> kNames = make_names();

} // namespace

constinit const std::array<OpInfo, opcode_table::kSize> opcode_table::kInfos = make_table();

std::optional<Op> find_op(std::string_view text_name) {
  const auto at = std::ranges::lower_bound(kNames, text_name, {}, &NamedOp::text);
  if (at == kNames.end() || at->text != text_name) return std::nullopt;
  return at->op;
}

} // namespace runtime
