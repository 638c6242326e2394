// The generator that keeps nothing: validation alone. Also the base of generators in tests, which override what they
// look at.
#pragma once
#include "runtime/validate/code_generator.hpp"

namespace runtime {

struct NullGenerator {
  void position(uint32_t) {}
  Result<void> function_begin(const FunctionInfo&) { return {}; }
  Result<void> function_end(bool) { return {}; }

  Result<void> block(const BlockType&) { return {}; }
  Result<void> loop(const BlockType&) { return {}; }
  Result<void> if_(const BlockType&) { return {}; }
  Result<void> else_(bool) { return {}; }
  Result<void> end(bool) { return {}; }
  Result<void> try_table(const BlockType&, std::span<const CatchClause>) { return {}; }
  Result<void> unreachable() { return {}; }
  Result<void> br(uint32_t) { return {}; }
  Result<void> br_if(uint32_t) { return {}; }
  Result<void> br_table(std::span<const uint32_t>, uint32_t) { return {}; }
  Result<void> br_on(Op, uint32_t, HeapType, bool) { return {}; }
  Result<void> return_() { return {}; }
  Result<void> throw_(uint32_t) { return {}; }
  Result<void> throw_ref() { return {}; }

  Result<void> call(uint32_t, bool) { return {}; }
  Result<void> call_indirect(uint32_t, TypeId, bool) { return {}; }
  Result<void> call_ref(TypeId, bool) { return {}; }

  Result<void> drop() { return {}; }
  Result<void> select(ValType) { return {}; }
  Result<void> local_get(uint32_t) { return {}; }
  Result<void> local_set(uint32_t) { return {}; }
  Result<void> local_tee(uint32_t) { return {}; }
  Result<void> global_get(uint32_t) { return {}; }
  Result<void> global_set(uint32_t) { return {}; }

  Result<void> constant(ValType, uint64_t, uint64_t) { return {}; }
  Result<void> numeric(Op) { return {}; }

  Result<void> load(Op, const MemArg&) { return {}; }
  Result<void> store(Op, const MemArg&) { return {}; }
  Result<void> memory_size(uint32_t) { return {}; }
  Result<void> memory_grow(uint32_t) { return {}; }
  Result<void> memory_fill(uint32_t) { return {}; }
  Result<void> memory_copy(uint32_t, uint32_t) { return {}; }
  Result<void> memory_init(uint32_t, uint32_t) { return {}; }
  Result<void> data_drop(uint32_t) { return {}; }

  Result<void> table_get(uint32_t) { return {}; }
  Result<void> table_set(uint32_t) { return {}; }
  Result<void> table_size(uint32_t) { return {}; }
  Result<void> table_grow(uint32_t) { return {}; }
  Result<void> table_fill(uint32_t) { return {}; }
  Result<void> table_copy(uint32_t, uint32_t) { return {}; }
  Result<void> table_init(uint32_t, uint32_t) { return {}; }
  Result<void> elem_drop(uint32_t) { return {}; }

  Result<void> ref_null(HeapType) { return {}; }
  Result<void> ref_func(uint32_t) { return {}; }
  Result<void> reference(Op, HeapType, bool) { return {}; }
  Result<void> aggregate(Op, TypeId, uint32_t, uint32_t) { return {}; }

  Result<void> vector(Op, uint64_t, uint64_t) { return {}; }
  Result<void> vector_memory(Op, const MemArg&, uint32_t) { return {}; }
  Result<void> atomic(Op, const MemArg&) { return {}; }
};

} // namespace runtime
