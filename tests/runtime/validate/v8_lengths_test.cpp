// Differential test of the table of instructions: how many bytes each instruction takes, by the table and by V8.
//
// Two modules for each, with dead code and the instruction with immediates written from the table. In one a byte
// follows that is no instruction anywhere: V8 must complain of it where the reader of immediates says that it stands,
// or it has taken more. In the other the last of the immediates' bytes is missing: V8 must miss it, or it has taken
// less and the rest for other instructions.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/binary/immediates.hpp"
#include "tests/runtime/validate/module_bytes.hpp"
#include "tests/runtime/validate/v8_judge.hpp"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace runtime;

namespace {

constexpr Op kOps[] = {
#define OP(identifier, ...) Op::identifier,
#include "runtime/types/opcodes.def"
#undef OP
};

constexpr uint8_t kNoInstruction = 0xff;

// What V8 11.3, of node 20, does not know, or not under this code; what it turns out to take is to be struck out.
constexpr Op kUnknown[] = {
    // It has the exceptions of an earlier proposal.
    Op::throw_ref, Op::try_table,
    // Their codes moved; at 0xd3, ref.eq's, it has one that is as long.
    Op::ref_as_non_null, Op::br_on_null, Op::br_on_non_null,
    // Garbage collection was numbered otherwise, and was behind a flag.
    Op::br_on_cast, Op::br_on_cast_fail, Op::ref_test, Op::ref_test_null, Op::ref_cast, Op::ref_cast_null,
    Op::any_convert_extern, Op::extern_convert_any, Op::ref_i31, Op::i31_get_s, Op::i31_get_u, Op::struct_new,
    Op::struct_new_default, Op::struct_get, Op::struct_get_s, Op::struct_get_u, Op::struct_set, Op::array_new,
    Op::array_new_default, Op::array_new_fixed, Op::array_new_data, Op::array_new_elem, Op::array_get, Op::array_get_s,
    Op::array_get_u, Op::array_set, Op::array_len, Op::array_fill, Op::array_copy, Op::array_init_data,
    Op::array_init_elem};

// Immediates that are valid in the module below. padded: integers take a byte more than they must, vectors have items.
// V8 11.3 knows no second memory, and takes a byte for its index.
void write(Octets& out, const OpInfo& info, Immediate kind, bool padded) {
  const auto append = [&](std::initializer_list<uint8_t> octets) { out.insert(out.end(), octets); };
  const auto zero = [&] { padded ? append({0x80, 0}) : append({0}); };
  if (is_u32(kind) && kind != Immediate::memory) return zero();
  switch (kind) {
  case Immediate::block_type: return append({0x40});
  case Immediate::labels:
    append({static_cast<uint8_t>(padded ? 2 : 0)});
    for (int i = 0; i < (padded ? 3 : 1); ++i) zero();
    return;
  case Immediate::value_types: return append({1, 0x7f});
  case Immediate::catches: return padded ? append({2, 0, 0, 1, 2, 1}) : append({0});
  case Immediate::memarg: append({static_cast<uint8_t>(info.natural_align_log2())}); return zero();
  case Immediate::memory:
  case Immediate::lane:
  case Immediate::zero: return append({0});
  case Immediate::i32:
  case Immediate::i64: return zero();
  case Immediate::f32: out.insert(out.end(), 4, 0); return;
  case Immediate::f64: out.insert(out.end(), 8, 0); return;
  case Immediate::lanes:
  case Immediate::v128: out.insert(out.end(), 16, 0); return;
  case Immediate::heap_type: return append({0x70});
  case Immediate::cast_flags: return append({3});
  default: FAIL("no such kind");
  }
}

void append_code(Octets& out, Op op) {
  uint32_t code = static_cast<uint32_t>(op);
  if (code >= 0x100) {
    out.push_back(static_cast<uint8_t>(code >> 16));
    for (code &= 0xffff; code >= 0x80; code >>= 7) out.push_back(static_cast<uint8_t>(code | 0x80));
  }
  out.push_back(static_cast<uint8_t>(code));
}

// A function of type [] → [] with this code, among one of each index space, all at index 0. code_end: where the code
// ends in the module.
std::vector<std::byte> module_of(const Octets& code, uint64_t& code_end) {
  Octets module = {0, 'a', 's', 'm', 1, 0, 0, 0};
  append_section(module, 1, {1, 0x60, 0, 0});
  append_section(module, 3, {1, 0});
  append_section(module, 4, {1, 0x70, 0, 1});
  append_section(module, 5, {1, 0, 1});
  append_section(module, 13, {1, 0, 0});
  append_section(module, 6, {1, 0x7f, 1, 0x41, 0, 0x0b});
  append_section(module, 9, {1, 1, 0, 1, 0}); // passive
  append_section(module, 12, {1});
  Octets body;
  append_section(body, 1, code); // the count, then size and bytes of the one body
  append_section(module, 10, body);
  code_end = module.size();
  append_section(module, 11, {1, 1, 1, 'x'}); // passive
  return to_bytes(module);
}

// Whether V8 found nothing missing but the ends of blocks or of the function.
bool is_of_whole_instructions(const std::string& reason) {
  return reason.contains("unterminated control structure") || reason.contains("must end with");
}

struct Probe {
  Op op{};
  uint64_t end = 0; // of the instruction in the first module, as the reader finds it
  std::vector<std::byte> followed, cut;
};

Probe probe_of(Op op, bool padded) {
  const OpInfo& info = op_info(op);
  Octets code = {1, 1, 0x7f, 0x00}; // a local, unreachable
  if (op == Op::else_)
    code.insert(code.end(), {0x04, 0x40, 0x00}); // if, unreachable
  else
    code.insert(code.end(), {0x02, 0x70, 0x00}); // a block of type funcref, for branches, unreachable
  const size_t start = code.size();
  append_code(code, op);
  for (const Immediate kind : info.immediates)
    if (kind != Immediate::none) write(code, info, kind, padded);

  Probe probe{.op = op};
  uint64_t code_end = 0;
  probe.cut = module_of(Octets(code.begin(), code.end() - 1), code_end);
  code.push_back(kNoInstruction);
  probe.followed = module_of(code, code_end);
  const uint64_t offset = code_end - (code.size() - start);
  Reader reader(std::span(probe.followed).subspan(offset), offset, "unexpected end");
  const Op read = read_op(reader);
  skip_immediates(reader, op_info(read));
  REQUIRE(read == op);
  REQUIRE_FALSE(reader.failed());
  probe.end = reader.offset();
  return probe;
}

} // namespace

TEST_CASE("instructions are as long as V8 finds them") {
  if (!run("node --version")) {
    std::cout << "comparison with V8 skipped: it needs node" << std::endl;
    std::_Exit(77);
  }
  std::string flags; // what this V8 has, but not by default
  for (const char* flag : {"--experimental-wasm-relaxed-simd", "--experimental-wasm-typed-funcref"})
    if (run(std::string("node ") + flag + " -e 0")) flags += std::string(" ") + flag;
  for (const bool padded : {false, true}) {
    std::vector<Probe> probes;
    std::vector<std::vector<std::byte>> modules; // two of each
    for (const Op op : kOps) {
      probes.push_back(probe_of(op, padded));
      modules.push_back(probes.back().followed);
      modules.push_back(probes.back().cut);
    }
    const std::vector<std::string> reasons = judge_by_v8(modules, flags);
    REQUIRE(reasons.size() == modules.size());
    size_t agreed = 0;
    for (size_t i = 0; i < probes.size(); ++i) {
      const auto& [op, end, followed, cut] = probes[i];
      const std::string &of_followed = reasons[2 * i], &of_cut = reasons[2 * i + 1];
      const bool has_immediates = op_info(op).immediates[0] != Immediate::none;
      const bool agrees = of_followed.ends_with("Invalid opcode 0xff @+" + std::to_string(end)) &&
                          (!has_immediates || !is_of_whole_instructions(of_cut));
      INFO(op_info(op).text << (padded ? " with padded integers" : "") << ", of which the end is at " << end << ": "
                            << of_followed << "; cut: " << of_cut);
      CHECK(agrees != std::ranges::contains(kUnknown, op));
      agreed += agrees ? 1 : 0;
    }
    std::cout << "comparison with V8: " << agreed << " of " << probes.size() << " instructions" << std::endl;
  }
}
