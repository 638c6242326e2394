// Traps: an instruction that cannot go on. In words that hold on every processor, and beside them the processor's own,
// for reports. Handlers run with interrupts off.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kernel::arch {

enum class TrapKind : uint8_t {
  other,         // what no code can recover from: a machine check, an interrupt that nobody expects
  memory_access, // nothing is mapped at `address`, or the page forbids the use
  protection,    // forbidden whatever is mapped: an impossible address (which is not told), a privileged instruction
  illegal_instruction,
  arithmetic, // a division by zero, or one whose result does not fit
};
enum class MemoryUse : uint8_t { read, write, execute };

struct Trap {
  TrapKind kind = TrapKind::other;
  MemoryUse use = MemoryUse::read; // of a memory_access
  bool mapped = false;             // of a memory_access: the page is there and forbids the use
  uint64_t address = 0;            // of a memory_access
  uint64_t pc = 0, sp = 0, fp = 0; // program counter, stack and frame pointer of the code that trapped
  uint64_t result = 0;             // its register in which functions return integers
  std::string_view name;           // the processor's: "page fault"
  uint64_t vector = 0, error = 0;  // the processor's numbers
};

// All registers of the code that trapped, as the processor's entry code has saved them.
struct TrapFrame;
struct Register {
  std::string_view name;
  uint64_t value = 0;
};
struct Registers {
  static constexpr size_t kMost = 40;
  Register items[kMost];
  size_t count = 0;
};
[[nodiscard]] Registers registers_of(const TrapFrame& frame);

// Told of a trap that is nobody's: the kernel's own fault. Must not return.
using FatalTrapHandler = void (*)(const Trap& trap, const TrapFrame& frame);
// From here on traps of this processor are caught. Call once, before anything may trap.
void set_up_traps(FatalTrapHandler fatal);

// Asked for each trap but those of kind other: true when it has pointed pc, sp, fp and result elsewhere (a landing), so
// that the trap is over. Must not allocate. nullptr: none.
using TrapHandler = bool (*)(Trap& trap);
void set_trap_handler(TrapHandler handler);

// Calls function(argument); what it trapped with, when it did. For reading memory that may not be there (a panic's
// backtrace) and for tests. Destructors between the trap and the call do not run. Does not nest.
struct ProbeResult {
  bool trapped = false;
  Trap trap;
};
ProbeResult probe(void (*function)(void*), void* argument);

} // namespace kernel::arch
