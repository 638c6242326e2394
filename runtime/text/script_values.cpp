#include "runtime/text/script_values.hpp"
#include "runtime/text/code_parser.hpp"
#include <algorithm>
#include <array>
#include <cstring>

namespace runtime::text {

namespace {

const char* kind_text(ValKind kind) {
  constexpr const char* kTexts[] = {"i32", "i64", "f32", "f64", "v128", "reference", "bottom"};
  return kTexts[static_cast<size_t>(kind)];
}

std::string hex(uint64_t bits) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[bits & 15]);
    bits >>= 4;
  } while (bits != 0);
  return "0x" + digits;
}

std::optional<ValType> null_type(std::string_view heap) {
  constexpr std::pair<std::string_view, AbstractHeap> kHeaps[] = {
      {"func", AbstractHeap::func},         {"nofunc", AbstractHeap::nofunc},  {"extern", AbstractHeap::extern_},
      {"noextern", AbstractHeap::noextern}, {"any", AbstractHeap::any},        {"eq", AbstractHeap::eq},
      {"i31", AbstractHeap::i31},           {"struct", AbstractHeap::struct_}, {"array", AbstractHeap::array},
      {"none", AbstractHeap::none},         {"exn", AbstractHeap::exn},        {"noexn", AbstractHeap::noexn}};
  for (auto [name, abstract] : kHeaps)
    if (name == heap) return ValType::ref(HeapType::abstract(abstract), true);
  return std::nullopt;
}

// A host reference's cookie must not be zero, which is null.
constexpr uint64_t host_cookie(uint64_t number) { return number + 1; }

Result<Value> vector_constant(Cursor& cursor) {
  Bytes bytes;
  TRY_VOID(vector_literal(cursor, bytes));
  Value value{.type = ValKind::v128};
  std::memcpy(value.bits, bytes.view().data(), sizeof value.bits);
  return value;
}

std::optional<Pattern::Lane> nan_pattern(Cursor& cursor) {
  if (cursor.accept_keyword("nan:canonical")) return Pattern::Lane::canonical_nan;
  if (cursor.accept_keyword("nan:arithmetic")) return Pattern::Lane::arithmetic_nan;
  return std::nullopt;
}

// `count` floats of `bits` each, any of which may be a pattern.
Result<Pattern> float_pattern(Cursor& cursor, ValKind type, unsigned bits, unsigned count) {
  Pattern pattern;
  pattern.type = type;
  pattern.lane_bits = bits;
  for (unsigned i = 0; i < count; ++i) {
    auto nan = nan_pattern(cursor);
    pattern.lanes.push_back(nan.value_or(Pattern::Lane::exact));
    if (nan) continue;
    uint64_t lane = TRY(cursor.float_bits(bits));
    pattern.bits[i * bits / 64] |= lane << i * bits % 64;
  }
  return pattern;
}

bool lane_matches(Pattern::Lane lane, unsigned bits, uint64_t expected, uint64_t actual) {
  const unsigned mantissa = bits == 32 ? 23 : 52;
  const uint64_t all = bits == 32 ? 0xffff'ffff : ~uint64_t{0}, sign = uint64_t{1} << (bits - 1);
  const uint64_t quiet = uint64_t{1} << (mantissa - 1);
  const uint64_t infinity = (all & ~sign) & ~((uint64_t{1} << mantissa) - 1);
  switch (lane) {
  case Pattern::Lane::exact: return expected == actual;
  case Pattern::Lane::canonical_nan: return (actual & ~sign) == (infinity | quiet);
  case Pattern::Lane::arithmetic_nan: return (actual & (infinity | quiet)) == (infinity | quiet);
  }
  return false;
}

} // namespace

Result<Value> script_constant(Cursor& cursor) {
  if (!cursor.accept(TokenKind::left)) return cursor.unexpected();
  Value value;
  if (cursor.accept_keyword("i32.const")) {
    value = Value::i32(static_cast<uint32_t>(TRY(cursor.integer(32))));
  } else if (cursor.accept_keyword("i64.const")) {
    value = Value::i64(TRY(cursor.integer(64)));
  } else if (cursor.accept_keyword("f32.const")) {
    value = Value::f32_bits(static_cast<uint32_t>(TRY(cursor.float_bits(32))));
  } else if (cursor.accept_keyword("f64.const")) {
    value = Value::f64_bits(TRY(cursor.float_bits(64)));
  } else if (cursor.accept_keyword("v128.const")) {
    value = TRY(vector_constant(cursor));
  } else if (cursor.accept_keyword("ref.null")) {
    auto type = null_type(cursor.text());
    if (!type) return cursor.unexpected();
    cursor.advance();
    value = Value::null(*type);
  } else if (cursor.accept_keyword("ref.extern")) {
    value = Value::externref(host_cookie(TRY(cursor.natural(32))));
  } else {
    return cursor.fail("this runner has no constant " + std::string(cursor.text()));
  }
  TRY_VOID(cursor.expect_right());
  return value;
}

Result<Pattern> script_pattern(Cursor& cursor) {
  Pattern pattern;
  if (cursor.accept_form("either")) {
    pattern.kind = Pattern::Kind::either;
    while (cursor.kind() == TokenKind::left) pattern.alternatives.push_back(TRY(script_pattern(cursor)));
  } else if (cursor.accept_form("f32.const")) {
    pattern = TRY(float_pattern(cursor, ValKind::f32, 32, 1));
  } else if (cursor.accept_form("f64.const")) {
    pattern = TRY(float_pattern(cursor, ValKind::f64, 64, 1));
  } else if (cursor.at_form("v128.const") && (cursor.at_keyword("f32x4", 2) || cursor.at_keyword("f64x2", 2))) {
    unsigned bits = cursor.at_keyword("f32x4", 2) ? 32 : 64;
    cursor.advance(3);
    pattern = TRY(float_pattern(cursor, ValKind::v128, bits, 128 / bits));
  } else if (cursor.accept_form("ref.null")) {
    pattern.kind = Pattern::Kind::null;
    if (cursor.kind() != TokenKind::right) cursor.advance();
  } else if (cursor.accept_form("ref.func")) {
    pattern.kind = Pattern::Kind::any_func;
  } else if (cursor.accept_form("ref.extern")) {
    pattern.kind = Pattern::Kind::any_extern;
    if (cursor.kind() != TokenKind::right) {
      pattern.kind = Pattern::Kind::host;
      pattern.bits[0] = host_cookie(TRY(cursor.natural(32)));
    }
  } else {
    Value value = TRY(script_constant(cursor));
    pattern.type = value.type.kind();
    std::ranges::copy(value.bits, pattern.bits);
    return pattern;
  }
  TRY_VOID(cursor.expect_right());
  return pattern;
}

bool matches(const Pattern& pattern, const Value& value) {
  const AbstractHeap top =
      value.type.is_ref() && value.type.heap().is_abstract() ? value.type.heap().abstract() : AbstractHeap::func;
  switch (pattern.kind) {
  case Pattern::Kind::null: return value.type.is_ref() && value.bits[0] == 0;
  case Pattern::Kind::host:
    return value.type.is_ref() && top == AbstractHeap::extern_ && value.bits[0] == pattern.bits[0];
  case Pattern::Kind::any_extern: return value.type.is_ref() && top == AbstractHeap::extern_ && value.bits[0] != 0;
  case Pattern::Kind::any_func: return value.type.is_ref() && top == AbstractHeap::func && value.bits[0] != 0;
  case Pattern::Kind::either:
    return std::ranges::any_of(pattern.alternatives, [&](const Pattern& p) { return matches(p, value); });
  case Pattern::Kind::bits: break;
  }
  if (value.type.kind() != pattern.type) return false;
  const bool half = pattern.type == ValKind::i32 || pattern.type == ValKind::f32; // the upper half is undefined
  const uint64_t low = half ? static_cast<uint32_t>(value.bits[0]) : value.bits[0];
  if (pattern.lanes.empty())
    return low == pattern.bits[0] && (pattern.type != ValKind::v128 || value.bits[1] == pattern.bits[1]);
  for (unsigned i = 0; i < pattern.lanes.size(); ++i) {
    auto lane = [&](const uint64_t (&bits)[2]) {
      uint64_t word = bits[i * pattern.lane_bits / 64] >> i * pattern.lane_bits % 64;
      return pattern.lane_bits == 32 ? static_cast<uint32_t>(word) : word;
    };
    if (!lane_matches(pattern.lanes[i], pattern.lane_bits, lane(pattern.bits), lane(value.bits))) return false;
  }
  return true;
}

std::string to_text(const Value& value) {
  bool half = value.type.kind() == ValKind::i32 || value.type.kind() == ValKind::f32;
  std::string text = std::string(kind_text(value.type.kind())) + " ";
  if (value.type.kind() == ValKind::v128) return text + hex(value.bits[1]) + ":" + hex(value.bits[0]);
  return text + hex(half ? static_cast<uint32_t>(value.bits[0]) : value.bits[0]);
}

std::string to_text(const Pattern& pattern) {
  switch (pattern.kind) {
  case Pattern::Kind::null: return "null";
  case Pattern::Kind::host: return "host reference " + hex(pattern.bits[0] - 1);
  case Pattern::Kind::any_extern: return "a host reference";
  case Pattern::Kind::any_func: return "a function reference";
  case Pattern::Kind::either: {
    std::string text = "either";
    for (const Pattern& alternative : pattern.alternatives) text += " (" + to_text(alternative) + ")";
    return text;
  }
  case Pattern::Kind::bits: break;
  }
  std::string text = to_text(Value{pattern.type, {pattern.bits[0], pattern.bits[1]}});
  for (Pattern::Lane lane : pattern.lanes)
    if (lane != Pattern::Lane::exact)
      text += lane == Pattern::Lane::canonical_nan ? " nan:canonical" : " nan:arithmetic";
  return text;
}

} // namespace runtime::text
