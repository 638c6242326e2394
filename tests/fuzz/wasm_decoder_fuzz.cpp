// Any bytes are either refused with an error of the decoder or the validator, or accepted: never a crash, an endless
// loop or an access out of bounds. What was accepted stays accepted when it is decoded again with the types already
// known.
#include "runtime/validate/function_validator.hpp"
#include "runtime/validate/null_generator.hpp"
#include "runtime/validate/validate.hpp"
#include <cstdint>
#include <cstdlib>

namespace {

// Checks the part of the contract that a generator's memory safety rests on: blocks that are told nest.
struct NestingGenerator : runtime::NullGenerator {
  static constexpr bool kWantsLocalUses = true;
  uint32_t depth = 0;
  void require(bool holds) {
    if (!holds) std::abort();
  }
  runtime::Result<void> open() {
    ++depth;
    return {};
  }
  runtime::Result<void> function_begin(const runtime::FunctionInfo& function) {
    depth = 0;
    require(function.local_uses.size() == function.locals.size());
    return {};
  }
  runtime::Result<void> function_end(bool) {
    require(depth == 0);
    return {};
  }
  runtime::Result<void> block(const runtime::BlockType&) { return open(); }
  runtime::Result<void> loop(const runtime::BlockType&) { return open(); }
  runtime::Result<void> if_(const runtime::BlockType&) { return open(); }
  runtime::Result<void> try_table(const runtime::BlockType&, std::span<const runtime::CatchClause> catches) {
    for (const runtime::CatchClause& clause : catches) require(clause.depth <= depth);
    return open();
  }
  runtime::Result<void> else_(bool) {
    require(depth > 0);
    return {};
  }
  runtime::Result<void> end(bool) {
    require(depth-- > 0);
    return {};
  }
  runtime::Result<void> br(uint32_t target) {
    require(target <= depth);
    return {};
  }
  runtime::Result<void> br_if(uint32_t target) { return br(target); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace runtime;
  const auto view = std::as_bytes(std::span(data, size));
  const std::vector<std::byte> bytes(view.begin(), view.end());
  TypeRegistry types;
  const auto module = decode_module(bytes, types);
  if (!module) return 0;
  const bool valid = validate_module(**module, types).has_value();
  NestingGenerator generator;
  FunctionValidator<NestingGenerator> validator(**module, types, generator);
  bool told_valid = true;
  for (uint32_t i = 0; i < (*module)->bodies.size() && told_valid; ++i) told_valid = validator.validate(i).has_value();
  if (told_valid != valid) std::abort();
  const auto again = decode_module(bytes, types);
  if (!again || validate_module(**again, types).has_value() != valid) std::abort();
  return 0;
}
