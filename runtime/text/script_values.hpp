// The values of test scripts: constants passed to calls, and the patterns that assert_return compares results with.
#pragma once
#include "runtime/engine.hpp"
#include "runtime/text/cursor.hpp"

namespace runtime::text {

// «(i32.const 1)», «(v128.const i8x16 …)», «(ref.null func)», «(ref.extern 7)».
[[nodiscard]] Result<Value> script_constant(Cursor& cursor);

struct Pattern {
  enum class Kind : uint8_t {
    bits,       // exactly these; of v128, each lane by itself
    null,       // (ref.null), (ref.null any)
    host,       // (ref.extern 7)
    any_extern, // (ref.extern)
    any_func,   // (ref.func)
    either,
  };
  enum class Lane : uint8_t { exact, canonical_nan, arithmetic_nan };
  Kind kind = Kind::bits;
  ValKind type = ValKind::bottom; // of bits
  uint64_t bits[2] = {};
  std::vector<Lane> lanes;           // of floats: one, or one a lane; empty: exact
  unsigned lane_bits = 0;            // of float lanes
  std::vector<Pattern> alternatives; // of either
};
[[nodiscard]] Result<Pattern> script_pattern(Cursor& cursor);

[[nodiscard]] bool matches(const Pattern& pattern, const Value& value);
[[nodiscard]] std::string to_text(const Value& value); // «i32 0xff»
[[nodiscard]] std::string to_text(const Pattern& pattern);

} // namespace runtime::text
