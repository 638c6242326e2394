// The one interface between the validator and whatever consumes validated code: nothing (NullGenerator), the baseline
// compiler, later an LLVM builder. The validator decodes a body once, checks it (spec §3.4, algorithm of the appendix)
// and calls the generator for each instruction that can be reached.
//
// Contract:
//  - Dead code is validated but never reported: after an instruction that does not fall through (br, return,
//    unreachable, throw, …) nothing is reported until the end or else of the enclosing reported block. Blocks opened in
//    dead code are not reported at all. end()/else_() say whether the fall-through edge into them is live.
//  - Code behind an end counts as live again, even where neither the fall-through nor any branch reaches that end: the
//    block's results are then operands that no path has written.
//  - Of an if without else only if_() and end() are told. Catch clauses count their depths outside the try_table.
//  - Operands are implicit: the generator keeps its own abstract stack and pops what the instruction's type says, in
//    the order the spec pushes. Branch depths count reported blocks only… which are all blocks enclosing live code;
//    depth equal to the number of open blocks is the function body itself.
//  - Indices are in range and types are checked. Types are canonical; Op tells which member of a family it is.
//  - position() was called with the byte offset of the instruction in the module before each report.
//  - A generator that does not implement a family returns ErrorKind::unsupported naming the instruction.
// The concept below is checked at the instantiation; families keep the number of members small while every Wasm 3.0
// instruction has a place.
#pragma once
#include "runtime/binary/immediates.hpp"
#include "runtime/binary/module.hpp"
#include <concepts>

namespace runtime {

struct BlockType { // of block, loop, if, try_table
  std::span<const ValType> params, results;
};
struct CatchClause {
  enum class Kind : uint8_t { catch_, catch_ref, catch_all, catch_all_ref } kind;
  uint32_t tag = 0;
  uint32_t depth = 0;
};
struct FunctionInfo {
  uint32_t index = 0; // in the function index space
  TypeId type{};
  std::span<const ValType> params, results;
  std::span<const ValType> locals;      // all: params first
  std::span<const uint32_t> local_uses; // how often each local is named, weighted by loop depth; may be empty
  uint32_t call_weight = 0;             // how often the body calls, weighted alike; only with local_uses
  bool has_vectors = false;             // an instruction of the body is one on vectors; only with local_uses
};

template <class G>
concept CodeGenerator =
    requires(G g, uint32_t n, uint64_t bits, Op op, const BlockType& block, const FunctionInfo& function,
             std::span<const uint32_t> depths, std::span<const CatchClause> catches, ValType type, HeapType heap,
             TypeId type_id, const MemArg& memarg, bool live) {
      g.position(n);
      { g.function_begin(function) } -> std::same_as<Result<void>>;
      {
        g.function_end(live)
      } -> std::same_as<Result<void>>; // live: the end of the body falls through with the results

      // control (spec §3.4.11)
      { g.block(block) } -> std::same_as<Result<void>>;
      { g.loop(block) } -> std::same_as<Result<void>>;
      { g.if_(block) } -> std::same_as<Result<void>>;
      { g.else_(live) } -> std::same_as<Result<void>>;
      { g.end(live) } -> std::same_as<Result<void>>;
      { g.try_table(block, catches) } -> std::same_as<Result<void>>;
      { g.unreachable() } -> std::same_as<Result<void>>;
      { g.br(n) } -> std::same_as<Result<void>>;
      { g.br_if(n) } -> std::same_as<Result<void>>;
      { g.br_table(depths, n) } -> std::same_as<Result<void>>; // n: default depth
      {
        g.br_on(op, n, heap, live)
      } -> std::same_as<Result<void>>; // br_on_null, br_on_non_null, br_on_cast[_fail]; live: target nullable
      { g.return_() } -> std::same_as<Result<void>>;
      { g.throw_(n) } -> std::same_as<Result<void>>;
      { g.throw_ref() } -> std::same_as<Result<void>>;

      // calls: tail = return_call family
      { g.call(n, live) } -> std::same_as<Result<void>>;                   // function index, tail
      { g.call_indirect(n, type_id, live) } -> std::same_as<Result<void>>; // table, type, tail
      { g.call_ref(type_id, live) } -> std::same_as<Result<void>>;

      // parametric and variables
      { g.drop() } -> std::same_as<Result<void>>;
      { g.select(type) } -> std::same_as<Result<void>>;
      { g.local_get(n) } -> std::same_as<Result<void>>;
      { g.local_set(n) } -> std::same_as<Result<void>>;
      { g.local_tee(n) } -> std::same_as<Result<void>>;
      { g.global_get(n) } -> std::same_as<Result<void>>;
      { g.global_set(n) } -> std::same_as<Result<void>>;

      // numeric
      { g.constant(type, bits, bits) } -> std::same_as<Result<void>>; // low, high (v128)
      {
        g.numeric(op)
      } -> std::same_as<Result<void>>; // all of §2.4.1 without constants: unary, binary, test, compare, convert

      // memory
      { g.load(op, memarg) } -> std::same_as<Result<void>>;
      { g.store(op, memarg) } -> std::same_as<Result<void>>;
      { g.memory_size(n) } -> std::same_as<Result<void>>;
      { g.memory_grow(n) } -> std::same_as<Result<void>>;
      { g.memory_fill(n) } -> std::same_as<Result<void>>;
      { g.memory_copy(n, n) } -> std::same_as<Result<void>>; // destination, source
      { g.memory_init(n, n) } -> std::same_as<Result<void>>; // data segment, memory
      { g.data_drop(n) } -> std::same_as<Result<void>>;

      // tables
      { g.table_get(n) } -> std::same_as<Result<void>>;
      { g.table_set(n) } -> std::same_as<Result<void>>;
      { g.table_size(n) } -> std::same_as<Result<void>>;
      { g.table_grow(n) } -> std::same_as<Result<void>>;
      { g.table_fill(n) } -> std::same_as<Result<void>>;
      { g.table_copy(n, n) } -> std::same_as<Result<void>>; // destination, source
      { g.table_init(n, n) } -> std::same_as<Result<void>>; // element segment, table
      { g.elem_drop(n) } -> std::same_as<Result<void>>;

      // references and GC
      { g.ref_null(heap) } -> std::same_as<Result<void>>;
      { g.ref_func(n) } -> std::same_as<Result<void>>;
      {
        g.reference(op, heap, live)
      } -> std::same_as<Result<void>>; // ref.is_null, as_non_null, eq, test/cast (live: nullable), i31.*, convert
      {
        g.aggregate(op, type_id, n, n)
      } -> std::same_as<Result<void>>; // struct.*, array.*: field, segment, length or second type's index

      // vectors and threads: lane or shuffle immediates come as low and high bits
      { g.vector(op, bits, bits) } -> std::same_as<Result<void>>;
      { g.vector_memory(op, memarg, n) } -> std::same_as<Result<void>>; // n: lane
      { g.atomic(op, memarg) } -> std::same_as<Result<void>>;
    };

} // namespace runtime
