// The data that generated code reads and writes by fixed offsets: the contract between codegen/ and exec/. Layout
// changes need both sides; offsets are taken by offsetof, never written as numbers. Everything here is plain data.
//
// Values: i32 in the low half of a 64-bit slot (the high half is undefined), f32 likewise, references as 64-bit
// pointers (null = 0): funcref = FuncRef*, externref = the host's non-zero cookie.
#pragma once
#include "runtime/types/error.hpp"
#include "runtime/types/types.hpp"
#include <atomic>
#include <cstddef>

namespace runtime {

struct VMContext;
class Instance;

// What a funcref points to. Imported functions are copied by value into their importer's array.
struct FuncRef {
  const std::byte* code = nullptr; // entry in the wasm calling convention
  VMContext* vmctx = nullptr;      // the callee's context
  TypeId type{};
  uint32_t function_index = 0; // in the callee's instance
};

struct VMMemory {
  std::byte* base = nullptr; // never moves: address space for the maximum is reserved
  std::atomic<uint64_t> size_bytes = 0;
};

struct VMTable {
  uint64_t* elements = nullptr; // references; moves when the table grows
  uint64_t size = 0;
};

struct alignas(16) VMGlobal {
  uint64_t bits[2] = {};
};

inline constexpr size_t kMaxOverflowValues = 2048; // parameters or results that registers do not hold; a v128 is two

// One call from the host into wasm. A chain: wasm → host → wasm nests. Filled in by the entry trampoline.
struct Activation {
  Activation* previous = nullptr;
  uintptr_t landing_pc = 0, landing_sp = 0, landing_fp = 0; // where a trap goes: the entry trampoline's epilogue
  uintptr_t entry_fp = 0;                                   // frame pointer at which a stack walk ends
  uintptr_t exit_pc = 0, exit_fp = 0;                       // last wasm frame before the host was called (nested walks)
};

// Per guest thread; shared by all instances of a Store.
struct ExecContext {
  uintptr_t stack_limit = 0;           // prologues trap when rsp would go below
  std::atomic<uint32_t> interrupt = 0; // ≠ 0: loops and prologues call Libcalls::interrupted
  uint32_t pad = 0;
  Activation* top = nullptr;
  uint64_t overflow[kMaxOverflowValues]; // parameters and results beyond the registers, in order; read at once
};

// Runtime functions that generated code calls (System V convention). Those that can fail return a TrapCode (0 = none)
// in the low 32 bits; generated code turns it into a trap. Lengths and indices come zero-extended (or full 64-bit
// for 64-bit memories and tables).
struct Libcalls {
  uint64_t (*memory_grow)(VMContext*, uint32_t memory, uint64_t delta_pages); // old size in pages, or ~0
  uint32_t (*memory_fill)(VMContext*, uint32_t memory, uint64_t at, uint32_t value, uint64_t size);
  uint32_t (*memory_copy)(VMContext*, uint64_t memories /* destination << 32 | source */, uint64_t to, uint64_t from,
                          uint64_t size);
  uint32_t (*memory_init)(VMContext*, uint64_t segment_and_memory /* segment << 32 | memory */, uint64_t to,
                          uint64_t from, uint64_t size);
  void (*data_drop)(VMContext*, uint32_t segment);
  uint64_t (*table_grow)(VMContext*, uint32_t table, uint64_t init, uint64_t delta); // old size, or ~0
  uint32_t (*table_fill)(VMContext*, uint32_t table, uint64_t at, uint64_t value, uint64_t size);
  uint32_t (*table_copy)(VMContext*, uint64_t tables, uint64_t to, uint64_t from, uint64_t size);
  uint32_t (*table_init)(VMContext*, uint64_t segment_and_table, uint64_t to, uint64_t from, uint64_t size);
  void (*elem_drop)(VMContext*, uint32_t segment);
  uint32_t (*interrupted)(VMContext*);                              // 0: go on
  uint32_t (*is_subtype)(VMContext*, uint32_t sub, uint32_t super); // TypeIds; call_indirect to a non-final type
};

// Per instance. Generated code has its address in a fixed register.
struct VMContext {
  ExecContext* exec = nullptr;
  std::byte* memory0_base = nullptr;
  VMMemory* memory0 = nullptr;
  FuncRef* functions = nullptr;  // the whole index space, imports copied
  VMMemory** memories = nullptr; // index spaces, imports first
  VMTable** tables = nullptr;
  VMGlobal** globals = nullptr;
  const Libcalls* libcalls = nullptr;
  Instance* instance = nullptr;
};

// A host function as generated code sees it: FuncRef.code is a trampoline for the type, FuncRef.vmctx points to one of
// these (its first member makes it look like a context to the calling convention).
struct HostContext {
  VMContext vmctx; // only exec is used
  // Reads params from values[0…], writes results to values[0…]. `caller` is the importing instance's context, or null
  // when the host calls it. Returns a TrapCode (0 = none); for host and exit the details are in the Store.
  uint32_t (*function)(void* data, VMContext* caller, uint64_t* values) = nullptr;
  void* data = nullptr;
};

} // namespace runtime
