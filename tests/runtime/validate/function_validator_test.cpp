#include <new>

#include <catch2/catch.hpp>

#include "runtime/validate/function_validator.hpp"
#include "runtime/validate/null_generator.hpp"
#include "runtime/validate/validate.hpp"
#include "tests/runtime/validate/module_bytes.hpp"
#include <format>
#include <string>

using namespace runtime;

namespace {

// Writes down what the validator tells, a word for each call.
struct Recorder : NullGenerator {
  std::string text;
  std::vector<uint32_t> positions;
  std::vector<uint32_t> uses;
  static constexpr bool kWantsLocalUses = true;

  Result<void> say(std::string word) {
    text += (text.empty() ? "" : " ") + word;
    return {};
  }
  void position(uint32_t offset) { positions.push_back(offset); }
  Result<void> function_begin(const FunctionInfo& function) {
    uses.assign(function.local_uses.begin(), function.local_uses.end());
    return say(std::format("begin({})", function.locals.size()));
  }
  Result<void> function_end(bool live) { return say(live ? "finish" : "finish-dead"); }
  Result<void> block(const BlockType& type) {
    return say(std::format("block({}>{})", type.params.size(), type.results.size()));
  }
  Result<void> loop(const BlockType&) { return say("loop"); }
  Result<void> if_(const BlockType&) { return say("if"); }
  Result<void> else_(bool live) { return say(live ? "else" : "else-dead"); }
  Result<void> end(bool live) { return say(live ? "end" : "end-dead"); }
  Result<void> unreachable() { return say("unreachable"); }
  Result<void> br(uint32_t depth) { return say(std::format("br({})", depth)); }
  Result<void> br_if(uint32_t depth) { return say(std::format("br_if({})", depth)); }
  Result<void> br_table(std::span<const uint32_t> depths, uint32_t otherwise) {
    std::string word = "br_table(";
    for (uint32_t depth : depths) word += std::format("{},", depth);
    return say(word + std::format("{})", otherwise));
  }
  Result<void> return_() { return say("return"); }
  Result<void> local_get(uint32_t index) { return say(std::format("get({})", index)); }
  Result<void> local_set(uint32_t index) { return say(std::format("set({})", index)); }
  Result<void> constant(ValType type, uint64_t low, uint64_t) {
    return say(std::format("{}({})", TypeRegistry::to_string(type), low));
  }
  Result<void> numeric(Op op) { return say(std::string(op_info(op).text)); }
  Result<void> drop() { return say("drop"); }
  Result<void> select(ValType type) { return say("select:" + TypeRegistry::to_string(type)); }
  Result<void> load(Op op, const MemArg& memarg) { return say(std::format("{}+{}", op_info(op).text, memarg.offset)); }
};

struct Outcome {
  std::string told; // or the error
  Recorder recorder;
};

Outcome walk(const Octets& type, const Octets& code) {
  TypeRegistry types;
  auto module = decode_module(module_with(type, code), types);
  if (!module) return {module.error().describe(), {}};
  Recorder recorder;
  const Result<void> result = validate_function(**module, types, 0, recorder);
  return {result ? recorder.text : result.error().describe(), recorder};
}

std::string kind_and_message(const Octets& type, const Octets& code) {
  std::string text = walk(type, code).told;
  const size_t at = text.find(" at byte "), colon = text.find(": ");
  return at == std::string::npos || colon == std::string::npos ? text : text.substr(0, at) + text.substr(colon);
}

const Octets kNothing = {0, 0}, kToI32 = {0, 1, 0x7f}, kI32ToI32 = {1, 0x7f, 1, 0x7f};

} // namespace

TEST_CASE("a body is told in its order, with the offset of each instruction") {
  const Outcome outcome = walk(kI32ToI32, {1, 2, 0x7e, 0x20, 0, 0x41, 0x7f, 0x6a, 0x28, 2, 16, 0x0b});
  CHECK(outcome.told == "begin(3) get(0) i32(4294967295) i32.add i32.load+16 finish");
  const std::vector<uint32_t>& at = outcome.recorder.positions;
  REQUIRE(at.size() == 6);
  CHECK(at[2] - at[1] == 2);
  CHECK(at[5] - at[1] == 8);
}

TEST_CASE("nothing is told of dead code until the block around it ends") {
  // block; br 0; (i32.add; block; drop; end); end; nop
  CHECK(walk(kNothing, {0, 0x02, 0x40, 0x0c, 0, 0x6a, 0x1a, 0x02, 0x40, 0x0b, 0x0b, 0x41, 1, 0x1a, 0x0b}).told ==
        "begin(0) block(0>0) br(0) end-dead i32(1) drop finish");
  CHECK(walk(kToI32, {0, 0x41, 1, 0x0f, 0x1a, 0x0b}).told == "begin(0) i32(1) return finish-dead");
}

TEST_CASE("if and else tell whether the edge into them is live, and a missing else is not told") {
  CHECK(walk(kToI32, {0, 0x41, 1, 0x04, 0x7f, 0x00, 0x05, 0x41, 2, 0x0b, 0x0b}).told ==
        "begin(0) i32(1) if unreachable else-dead i32(2) end finish");
  CHECK(walk(kNothing, {0, 0x41, 1, 0x04, 0x40, 0x0b, 0x0b}).told == "begin(0) i32(1) if end finish");
  CHECK(walk(kNothing, {0, 0x41, 1, 0x04, 0x40, 0x05, 0x00, 0x0b, 0x0b}).told ==
        "begin(0) i32(1) if else unreachable end-dead finish");
}

TEST_CASE("a dead if with its else is not told, and the code behind the dead block is dead") {
  CHECK(walk(kNothing, {0, 0x00, 0x04, 0x40, 0x41, 1, 0x1a, 0x05, 0x41, 2, 0x1a, 0x0b, 0x41, 3, 0x1a, 0x0b}).told ==
        "begin(0) unreachable finish-dead");
}

TEST_CASE("branches are told with their depths, the function body as the outermost") {
  CHECK(
      walk(kNothing, {0, 0x02, 0x40, 0x03, 0x40, 0x41, 0, 0x0d, 2, 0x41, 0, 0x0e, 2, 0, 1, 2, 0x0b, 0x0b, 0x0b}).told ==
      "begin(0) block(0>0) loop i32(0) br_if(2) i32(0) br_table(0,1,2) end-dead end finish");
}

TEST_CASE("select is told with the type of its operands") {
  CHECK(walk({0, 1, 0x7e}, {0, 0x42, 1, 0x42, 2, 0x41, 0, 0x1b, 0x0b}).told ==
        "begin(0) i64(1) i64(2) i32(0) select:i64 finish");
}

TEST_CASE("the generator's own error ends the walk with the instruction's offset") {
  struct NoFloats : NullGenerator {
    Result<void> numeric(Op op) {
      return std::unexpected(Error{.kind = ErrorKind::unsupported, .message = std::string(op_info(op).text)});
    }
  } generator;
  TypeRegistry types;
  const auto module = decode_module(module_with(kToI32, {0, 0x41, 1, 0x45, 0x0b}), types).value();
  const Result<void> result = validate_function(*module, types, 0, generator);
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unsupported);
  CHECK(result.error().offset == module->bodies[0].offset + 3);
}

TEST_CASE("type errors are named with what was expected and found") {
  CHECK(kind_and_message(kToI32, {0, 0x42, 1, 0x0b}) == "invalid: type mismatch: expected i32 but found i64");
  CHECK(kind_and_message(kToI32, {0, 0x0b}) == "invalid: type mismatch: expected i32 but the stack is empty");
  CHECK(kind_and_message(kNothing, {0, 0x41, 1, 0x0b}) ==
        "invalid: type mismatch: 1 operands more than results at the end of a block");
  CHECK(kind_and_message(kToI32, {0, 0x41, 1, 0x04, 0x7f, 0x41, 1, 0x0b, 0x0b}) ==
        "invalid: type mismatch: an if without else gives its parameters");
  // A block's operands are its own: those below it are out of reach.
  CHECK(kind_and_message(kToI32, {0, 0x41, 1, 0x02, 0x40, 0x1a, 0x0b, 0x0b}) ==
        "invalid: type mismatch: expected an operand but the stack is empty");
}

TEST_CASE("dead code is validated, with operands of any type where none were pushed") {
  CHECK(kind_and_message(kToI32, {0, 0x00, 0x6a, 0x0b}) == "begin(0) unreachable finish-dead");
  CHECK(kind_and_message(kToI32, {0, 0x00, 0x42, 1, 0x6a, 0x0b}) ==
        "invalid: type mismatch: expected i32 but found i64");
  CHECK(kind_and_message(kNothing, {0, 0x00, 0x20, 9, 0x0b}) == "invalid: unknown local 9");
  CHECK(kind_and_message(kNothing, {0, 0x00, 0xff, 0x0b}) == "malformed: illegal opcode ff");
}

TEST_CASE("unknown indices are named") {
  CHECK(kind_and_message(kNothing, {0, 0x20, 0, 0x0b}) == "invalid: unknown local 0");
  CHECK(kind_and_message(kNothing, {0, 0x23, 2, 0x0b}) == "invalid: unknown global 2");
  CHECK(kind_and_message(kNothing, {0, 0x10, 1, 0x0b}) == "invalid: unknown function 1");
  CHECK(kind_and_message(kNothing, {0, 0x0c, 1, 0x0b}) == "invalid: unknown label 1");
  CHECK(kind_and_message(kNothing, {0, 0x08, 1, 0x0b}) == "invalid: unknown tag 1");
  CHECK(kind_and_message(kNothing, {0, 0x02, 3, 0x0b}) == "invalid: unknown type 3");
  CHECK(kind_and_message(kNothing, {0, 0xfc, 9, 1, 0x0b}) == "invalid: unknown data segment 1");
  CHECK(kind_and_message(kNothing, {0, 0xfc, 13, 0, 0x0b}) == "invalid: unknown elem segment 0");
  CHECK(kind_and_message(kToI32, {0, 0x3f, 1, 0x0b}) == "invalid: unknown memory 1");
  CHECK(kind_and_message(kNothing, {0, 0x41, 0, 0x25, 1, 0x0b}) == "invalid: unknown table 1");
}

TEST_CASE("accesses and globals obey their declarations") {
  CHECK(kind_and_message(kToI32, {0, 0x41, 0, 0x28, 3, 0, 0x0b}) ==
        "invalid: alignment must not be larger than natural");
  CHECK(kind_and_message(kToI32, {0, 0x41, 0, 0x28, 0xff, 0x7f, 0, 0x0b}) == "malformed: malformed memop flags");
  CHECK(kind_and_message(kToI32, {0, 0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x10, 0x0b}) ==
        "invalid: offset out of range");
  CHECK(kind_and_message(kNothing, {0, 0x42, 0, 0x24, 1, 0x0b}) == "invalid: immutable global 1");
  CHECK(kind_and_message({0, 1, 0x7b}, {0, 0x41, 0, 0x41, 0, 0xfe, 0x1e, 0, 0, 0x1a, 0x00, 0x0b}) ==
        "invalid: alignment of an atomic access must be natural");
}

TEST_CASE("a local without a default is read only after it was set on every way") {
  // local (ref 1); local.get 0
  CHECK(kind_and_message(kNothing, {1, 1, 0x64, 1, 0x20, 0, 0x1a, 0x0b}) == "invalid: uninitialized local 0");
  // Set inside a block, forgotten at its end.
  const Octets forgotten = {1, 1, 0x64, 0, 0x02, 0x40, 0xd2, 0, 0x21, 0, 0x0b, 0x20, 0, 0x1a, 0x0b};
  CHECK(kind_and_message(kNothing, forgotten) == "invalid: uninitialized local 0");
  const Octets known = {1, 1, 0x64, 0, 0xd2, 0, 0x21, 0, 0x02, 0x40, 0x20, 0, 0x1a, 0x0b, 0x0b};
  CHECK(kind_and_message(kNothing, known) == "begin(1) set(0) block(0>0) get(0) drop end finish");
}

TEST_CASE("a body ends with its last end and nothing behind it") {
  CHECK(kind_and_message(kNothing, {0, 0x01}) == "malformed: END opcode expected");
  CHECK(kind_and_message(kNothing, {0, 0x0b, 0x0b}) == "malformed: unexpected bytes after the end of a function");
  CHECK(kind_and_message(kNothing, {0, 0x05, 0x0b}) == "malformed: else without if");
  CHECK(kind_and_message(kNothing, {0, 0x41}) == "malformed: unexpected end of section or function");
}

TEST_CASE("too many locals are malformed beyond 32 bits and a limit of this engine before") {
  CHECK(kind_and_message(kNothing, {2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7e, 0x0b}) ==
        "malformed: too many locals");
  CHECK(kind_and_message(kNothing, {1, 0xd1, 0x86, 3, 0x7f, 0x0b}) == "beyond a limit: more than 50000 locals");
}

TEST_CASE("hostile bodies end at a limit before they take much memory or time") {
  Octets deep = {0};
  for (uint32_t i = 0; i <= kMaxBlockDepth; ++i) deep.insert(deep.end(), {0x02, 0x40});
  CHECK(kind_and_message(kNothing, deep).starts_with("beyond a limit: blocks nested"));
  Octets tall = {0};
  for (uint32_t i = 0; i <= 2 * kMaxOperands; ++i) tall.insert(tall.end(), {0x41, 0});
  CHECK(kind_and_message(kNothing, tall).starts_with("beyond a limit: more than"));
  CHECK(kind_and_message(kNothing, {0, 0x41, 0, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b}) ==
        "malformed: length out of bounds");
}

TEST_CASE("local uses are counted before the walk, weighted by the depth of loops") {
  // (local.get 0) (loop (local.get 1) (loop (local.get 2))) (local.get 0)
  const Outcome outcome = walk({3, 0x7f, 0x7f, 0x7f, 0}, {0,    0x20, 0, 0x1a, 0x03, 0x40, 0x20, 1, 0x1a, 0x03,
                                                          0x40, 0x20, 2, 0x1a, 0x0b, 0x0b, 0x20, 0, 0x1a, 0x0b});
  CHECK(outcome.recorder.uses == std::vector<uint32_t>{2, kLoopWeight, kLoopWeight * kLoopWeight});
}

TEST_CASE("structures, exceptions and tail calls validate") {
  // struct.new 2 of an i32, then struct.get 2 0
  CHECK(kind_and_message(kToI32, {0, 0x41, 7, 0xfb, 0, 2, 0xfb, 2, 2, 0, 0x0b}) == "begin(0) i32(7) finish");
  CHECK(kind_and_message(kToI32, {0, 0x41, 7, 0xfb, 0, 2, 0xfb, 2, 2, 1, 0x0b}) == "invalid: unknown field 1");
  CHECK(kind_and_message(kToI32, {0, 0x41, 7, 0xfb, 0, 2, 0xfb, 3, 2, 0, 0x0b}) ==
        "invalid: type mismatch: the field is not packed");
  CHECK(kind_and_message(kNothing, {0, 0x1f, 0x40, 1, 0, 0, 0, 0x08, 0, 0x0b, 0x0b}) == "begin(0) end-dead finish");
  CHECK(kind_and_message(kNothing, {0, 0x1f, 0x40, 1, 2, 2, 0x0b, 0x0b}) == "invalid: unknown label 2");
  CHECK(kind_and_message(kToI32, {0, 0x12, 0, 0x0b}) == "begin(0) finish-dead");
}

TEST_CASE("validation of a module gives the first body's error") {
  TypeRegistry types;
  const auto module = decode_module(module_with(kToI32, {0, 0x42, 1, 0x0b}), types).value();
  CHECK(validate_module(*module, types).error().message == "type mismatch: expected i32 but found i64");
}
