// The opcode table and the look-up by text name, both computed at compile time from opcodes.def.
#include "runtime/types/opcodes.hpp"
#include <algorithm>

namespace runtime {
namespace {

// Not constexpr: a call ends the compilation, at the line of opcodes.def that is not in its notation.
void malformed_notation() {}

// By Immediate, without `none`.
constexpr std::string_view kImmediateWords[] = {
    "block_type", "labels", "value_types", "catches", "label", "function", "type",      "table",      "memory",
    "global",     "local",  "tag",         "element", "data",  "field",    "count",     "memarg",     "lane",
    "lanes",      "i32",    "i64",         "f32",     "f64",   "v128",     "heap_type", "cast_flags", "zero"};
static_assert(std::size(kImmediateWords) == kImmediateKinds - 1);

constexpr std::array<Immediate, 4> parse_immediates(std::string_view words) {
  std::array<Immediate, 4> immediates{};
  for (size_t count = 0; !words.empty(); ++count) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(word.size() == words.size() ? word.size() : word.size() + 1);
    const auto known = std::ranges::find(kImmediateWords, word);
    if (known == std::end(kImmediateWords) || count == immediates.size()) malformed_notation();
    immediates[count] = static_cast<Immediate>(known - std::begin(kImmediateWords) + 1);
  }
  return immediates;
}

constexpr std::string_view kSignatureLetters = "iIfFvQJjRXabnet"; // by StackType, without `none`

constexpr StackType parse_stack_type(char letter) {
  const size_t known = kSignatureLetters.find(letter);
  if (known == std::string_view::npos) malformed_notation();
  return static_cast<StackType>(known + 1);
}

constexpr ValKind kind_of(StackType type) {
  const ValType fixed = kFixedTypes[static_cast<size_t>(type)];
  return fixed.is_ref() ? ValKind::bottom : fixed.kind();
}

constexpr uint32_t dense_index(uint32_t code) {
  return code < 256 ? code : opcode_table::kPrefixBase[(code >> 16) - kFirstPrefix] + (code & 0xffff);
}

constexpr OpInfo make_info(std::string_view text, OpFamily family, std::string_view immediates,
                           std::string_view signature, uint8_t extra, Feature feature, bool is_constant) {
  OpInfo info{.text = text, .family = family, .feature = feature, .is_constant = is_constant, .extra = extra};
  info.immediates = parse_immediates(immediates);
  if (signature.empty()) return info;
  const size_t colon = signature.find(':');
  if (colon > info.params.size() || signature.size() > colon + 2) malformed_notation();
  for (const char letter : signature.substr(0, colon)) {
    info.param_types[info.param_count] = parse_stack_type(letter);
    info.params[info.param_count] = kind_of(info.param_types[info.param_count]);
    ++info.param_count;
  }
  if (colon + 1 < signature.size()) info.result_type = parse_stack_type(signature[colon + 1]);
  info.result = kind_of(info.result_type);
  return info;
}

constexpr std::array<OpInfo, opcode_table::kSize> make_table() {
  std::array<OpInfo, opcode_table::kSize> table{};
#define ADD(code, text, family, immediates, signature, extra, feature, is_constant)                                    \
  table[dense_index(code)] =                                                                                           \
      make_info(text, OpFamily::family, immediates, signature, extra, Feature::feature, is_constant);
#define OP(identifier, ...) ADD(__VA_ARGS__, false)
#define CONST_OP(identifier, ...) ADD(__VA_ARGS__, true)
#include "runtime/types/opcodes.def"
#undef OP
#undef ADD
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
#define OP(identifier, code, text, family, immediates, signature, extra, feature) {text, Op::identifier},
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
