// The engine's only door to the machine. linux.cpp implements it for the host, kernel/host/ for the bare machine.
// All functions are thread-safe. Sizes and addresses are multiples of page_size_bytes() unless said otherwise.
#pragma once
#include "runtime/types/error.hpp"
#include <cstddef>
#include <cstdint>
#include <span>

namespace runtime::platform {

[[nodiscard]] size_t page_size_bytes();

// --- address space: reserved (any access faults), then committed piece by piece (read-write, zero)
[[nodiscard]] Result<std::byte*> reserve(size_t size_bytes);
[[nodiscard]] Result<void> commit(std::byte* address, size_t size_bytes);
void decommit(std::byte* address, size_t size_bytes); // back to reserved; contents are gone
void release(std::byte* address, size_t size_bytes);  // a whole reservation

// --- code: one piece of memory seen twice, so that no page is ever writable and executable
struct CodeMapping {
  std::byte* writable = nullptr; // null after seal_code
  std::byte* executable = nullptr;
  size_t size_bytes = 0;
};
[[nodiscard]] Result<CodeMapping> map_code(size_t size_bytes);
void seal_code(CodeMapping& mapping); // drops the writable view; faults in the range now go to the fault handler
void unmap_code(CodeMapping& mapping);

// --- faults
enum class FaultKind : uint8_t { memory_access, illegal_instruction, arithmetic };
struct Fault {
  FaultKind kind;
  uintptr_t pc, sp, fp; // in: where; out (when handled): where to go on
  uintptr_t address;    // memory_access: the address that was touched
  uint64_t result;      // in and out: the platform's result register (rax)
};
// Called on the faulting thread for faults whose pc lies in a sealed code mapping, and for no others (those are the
// program's own). True: continue at fault.pc/sp/fp/result. Must not allocate. Set once, before any code runs.
using FaultHandler = bool (*)(Fault& fault);
void set_fault_handler(FaultHandler handler);
// Linux: an alternate signal stack for this thread (faults on an exhausted guest stack). Idempotent; the kernel's is
// empty.
[[nodiscard]] Result<void> prepare_thread();

// The lowest stack address that guest code on the calling thread may use: the stack's end plus room for host functions.
[[nodiscard]] uintptr_t guest_stack_limit();

// --- clocks, randomness, console: what WASI needs at least
[[nodiscard]] uint64_t monotonic_ns();
[[nodiscard]] uint64_t realtime_ns();            // since 1970-01-01
void idle_until(uint64_t monotonic_deadline_ns); // gives the processor away until then (may return earlier)
void random_bytes(std::span<std::byte> out);     // cryptographic
enum class Stream : uint8_t { in = 0, out = 1, err = 2 };
[[nodiscard]] Result<size_t> write_stream(Stream stream, std::span<const std::byte> data);
[[nodiscard]] Result<size_t> read_stream(std::span<std::byte> data); // 0: end of input

} // namespace runtime::platform
