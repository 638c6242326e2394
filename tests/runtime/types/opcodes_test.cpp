#include <new>

#include <catch2/catch.hpp>

#include "runtime/types/opcodes.hpp"
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

using namespace runtime;

namespace {

const std::map<uint32_t, std::string>& all_ops() { // code → text name
  static const std::map<uint32_t, std::string> ops = {
#define OP(identifier, code, text, family, immediates, signature, extra, feature) {code, text},
#include "runtime/types/opcodes.def"
#undef OP
  };
  return ops;
}

std::string signature_of(const OpInfo& info) { // as opcodes.def writes it
  std::string text;
  const auto letter = [](StackType type) { return "-iIfFvQJjRXabnet"[static_cast<size_t>(type)]; };
  for (uint32_t i = 0; i < info.param_count; ++i) text += letter(info.param_types[i]);
  return text + ":" + (info.result_type == StackType::none ? "" : std::string(1, letter(info.result_type)));
}

} // namespace

TEST_CASE("every instruction is found by its text name, and the name by the instruction") {
  const std::set<Op> second_of_a_name = {Op::select_t, Op::ref_test_null, Op::ref_cast_null};
  for (const auto& [code, text] : all_ops()) {
    const Op op{code};
    INFO(text);
    CHECK(op_info(op).text == text);
    CHECK(op_info(op).family != OpFamily::undefined);
    REQUIRE(find_op(text).has_value());
    CHECK((*find_op(text) == op) == !second_of_a_name.contains(op));
  }
  CHECK_FALSE(find_op("i32.addd"));
  CHECK_FALSE(find_op("i32.ad"));
  CHECK_FALSE(find_op(""));
}

TEST_CASE("codes that are no instruction have no text and no family") {
  for (uint32_t prefix : {0u, 0xfau, 0xfbu, 0xfcu, 0xfdu, 0xfeu, 0xffu, 0xffffu})
    for (uint32_t sub = 0; sub <= 0xffff; ++sub) {
      const uint32_t code = prefix << 16 | sub;
      if ((op_info(Op{code}).family == OpFamily::undefined) == all_ops().contains(code)) FAIL("code " << code);
    }
}

TEST_CASE("signatures and alignments are the specification's") {
  CHECK(signature_of(op_info(Op::i32_add)) == "ii:i");
  CHECK(signature_of(op_info(Op::i64_eqz)) == "I:i");
  CHECK(signature_of(op_info(Op::f64_promote_f32)) == "f:F");
  CHECK(signature_of(op_info(Op::i64_store16)) == "aI:");
  CHECK(signature_of(op_info(Op::i64_load)) == "a:I");
  CHECK(signature_of(op_info(Op::memory_copy)) == "abn:");
  CHECK(signature_of(op_info(Op::ref_i31)) == "i:j");
  CHECK(op_info(Op::i64_store16).natural_align_log2() == 1);
  CHECK(op_info(Op::i64_load).natural_align_log2() == 3);
  CHECK(signature_of(op_info(Op::v128_bitselect)) == "vvv:v");
  CHECK(op_info(Op::i16x8_replace_lane).lanes() == 8);
}

TEST_CASE("an instruction's kinds agree with its types, and are bottom where the immediates decide") {
  const OpInfo& store = op_info(Op::i64_store);
  CHECK(store.params == std::array{ValKind::bottom, ValKind::i64, ValKind::bottom});
  CHECK(op_info(Op::i64_load).result == ValKind::i64);
  CHECK(op_info(Op::table_get).result == ValKind::bottom);
}

TEST_CASE("immediates are listed in the binary format's order") {
  using enum Immediate;
  CHECK(op_info(Op::nop).immediates == std::array{none, none, none, none});
  CHECK(op_info(Op::br_on_cast).immediates == std::array{cast_flags, Immediate::label, heap_type, heap_type});
  CHECK(op_info(Op::table_init).immediates == std::array{element, table, none, none});
  CHECK(op_info(Op::v128_load8_lane).immediates == std::array{memarg, lane, none, none});
  CHECK(op_info(Op::v128_load16_lane).lanes() == 8);
  CHECK(op_info(Op::try_table).opens_block());
  CHECK(op_info(Op::array_new_data).has(data));
}

TEST_CASE("constant instructions are the specification's, with the extended ones") {
  CHECK(op_info(Op::i64_mul).is_constant);
  CHECK(op_info(Op::v128_const).is_constant);
  CHECK_FALSE(op_info(Op::i32_div_s).is_constant);
  CHECK_FALSE(op_info(Op::array_new_data).is_constant);
}

// wabt's table of opcodes comes with its development package.
TEST_CASE("names, signatures and alignments agree with wabt's opcode table") {
  std::ifstream file("/usr/include/wabt/opcode.def");
  if (!file) {
    std::cout << "opcodes: comparison with wabt skipped, its headers are not installed\n";
    return;
  }
  std::stringstream text;
  text << file.rdbuf();
  const std::string table = text.str();
  const std::regex line(
      R"re(WABT_OPCODE\(\s*(\S+),\s*(\S+),\s*(\S+),\s*(\S+),\s*(\S+),\s*(\S+),\s*(\S+),\s*\S+,\s*"([^"]*)")re");
  const std::map<std::string, std::string> letters = {{"I32", "i"}, {"I64", "I"},  {"F32", "f"},
                                                      {"F64", "F"}, {"V128", "v"}, {"___", ""}};
  const std::set<std::string> unary = {"abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"};
  int compared = 0;
  for (std::sregex_iterator at(table.begin(), table.end(), line), end; at != end; ++at) {
    const auto field = [&](int index) { return (*at)[static_cast<size_t>(index)].str(); };
    const uint64_t prefix = std::stoul(field(6), nullptr, 0), sub = std::stoul(field(7), nullptr, 0);
    const OpInfo& info = op_info(Op{static_cast<uint32_t>(prefix << 16 | sub)});
    const std::string name = field(8);
    if (prefix == 0 && sub > 0xff) continue; // the interpreter's own instructions
    if (name == "try" || name == "catch" || name == "rethrow" || name == "delegate" || name == "catch_all") continue;
    if (prefix == 0 && sub >= 0xe0 && sub < 0xfb) continue;
    INFO(name);
    // Some names there are empty, and the dot products were renamed since.
    if (!name.empty() && name.find("dot_i8x16_i7x16") == std::string::npos) CHECK(info.text == name);
    switch (info.family) {
    case OpFamily::load:
    case OpFamily::store:
    case OpFamily::vector_memory:
    case OpFamily::vector_memory_lane:
    case OpFamily::atomic:
      CHECK("a" + letters.at(field(3)) + letters.at(field(4)) + ":" + letters.at(field(1)) == signature_of(info));
      CHECK(1u << info.natural_align_log2() == std::stoul(field(5)));
      break;
    case OpFamily::numeric:
      if (name[0] == 'f' && unary.contains(name.substr(4))) break; // listed there with two operands
      [[fallthrough]];
    case OpFamily::vector:
    case OpFamily::vector_lane:
      CHECK(letters.at(field(2)) + letters.at(field(3)) + letters.at(field(4)) + ":" + letters.at(field(1)) ==
            signature_of(info));
      break;
    default: break;
    }
    ++compared;
  }
  CHECK(compared > 450);
}
