// The engine's port layer (runtime/platform/platform.hpp) on the bare machine.
//
// Reservations are entries in a table of address ranges: nothing is mapped until it is committed, so that 4 GiB of
// guarded address space cost nothing. Committing takes frames at once: memory that commit() promised is there. Code is
// a set of frames mapped twice, writable (until sealed) and executable; no page table entry is ever both. Faults come
// from arch/traps.hpp: those whose pc lies in sealed code go to the engine, all others are the kernel's own and panic.
//
// One processor; the fault path allocates nothing and takes no lock.
#include "kernel/arch/clock.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/stack.hpp"
#include "kernel/arch/traps.hpp"
#include "kernel/debug/panic.hpp"
#include "kernel/drivers/random.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/memory/kernel_map.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/memory/reservation.hpp"
#include "runtime/platform/platform.hpp"
#include <map>

namespace runtime::platform {
namespace {

namespace arch = kernel::arch;
using kernel::kFrameSize;

// Below guest_stack_limit: what host functions and library calls need of the guest's stack.
constexpr uintptr_t kHostStackReserve = 128 << 10;

FaultHandler fault_handler = nullptr;

// Sealed code by its first address → the one behind its last.
std::map<uintptr_t, uintptr_t>& code_ranges() {
  static std::map<uintptr_t, uintptr_t> ranges;
  return ranges;
}

bool in_sealed_code(uintptr_t pc) {
  const auto after = code_ranges().upper_bound(pc);
  return after != code_ranges().begin() && pc < std::prev(after)->second;
}

uintptr_t address_of(const std::byte* pointer) { return reinterpret_cast<uintptr_t>(pointer); }
std::byte* pointer_to(uintptr_t address) { return reinterpret_cast<std::byte*>(address); }

Error refused(const char* what, size_t size_bytes) {
  return {.kind = ErrorKind::resource, .message = std::string(what) + " for " + std::to_string(size_bytes) + " bytes"};
}

FaultKind kind_of(arch::TrapKind kind) {
  if (kind == arch::TrapKind::illegal_instruction) return FaultKind::illegal_instruction;
  if (kind == arch::TrapKind::arithmetic) return FaultKind::arithmetic;
  return FaultKind::memory_access;
}

bool on_trap(arch::Trap& trap) {
  if (!fault_handler || !in_sealed_code(trap.pc)) return false;
  Fault fault{.kind = kind_of(trap.kind),
              .pc = trap.pc,
              .sp = trap.sp,
              .fp = trap.fp,
              .address = trap.address,
              .result = trap.result};
  if (!fault_handler(fault)) return false;
  trap.pc = fault.pc;
  trap.sp = fault.sp;
  trap.fp = fault.fp;
  trap.result = fault.result;
  return true;
}

// Maps the frames behind [source, source + size) at `target`, too. False: no memory for tables; nothing stays mapped.
bool map_again(uint64_t target, uint64_t source, size_t size_bytes, arch::Access access) {
  auto& table = kernel::page_table();
  for (size_t done = 0; done < size_bytes; done += kFrameSize) {
    const auto physical = table.translate(source + done);
    if (physical && kernel::map_pages(target + done, *physical, kFrameSize, access)) continue;
    for (size_t undo = 0; undo < done; undo += kFrameSize) (void)table.unmap_page(target + undo);
    table.release_tables(target, size_bytes);
    return false;
  }
  return true;
}

// Takes a view away without giving back the frames, and its address space.
void drop_view(uint64_t address, size_t size_bytes) {
  auto& table = kernel::page_table();
  for (size_t done = 0; done < size_bytes; done += kFrameSize) (void)table.unmap_page(address + done);
  table.release_tables(address, size_bytes);
  if (!kernel::guest_reservations().release(address, size_bytes)) kernel::panic("a view of code is released twice");
}

} // namespace

size_t page_size_bytes() { return kFrameSize; }

Result<std::byte*> reserve(size_t size_bytes) {
  const auto address = kernel::guest_reservations().reserve(size_bytes);
  if (!address) return std::unexpected(refused("no address space is left", size_bytes));
  return pointer_to(*address);
}

Result<void> commit(std::byte* address, size_t size_bytes) {
  const uintptr_t begin = address_of(address);
  const uintptr_t end = begin + size_bytes;
  if (!kernel::guest_reservations().contains(begin, size_bytes))
    kernel::panic("memory is committed that is not reserved");
  // Piece by piece around what is committed already, so that a failure takes back no older page.
  auto& table = kernel::page_table();
  for (uintptr_t at = begin; at < end;) {
    const uintptr_t mapped = table.next_mapped(at, end);
    if (at < mapped && !kernel::back_with_memory(at, mapped - at))
      return std::unexpected(refused("the machine's memory is exhausted", size_bytes));
    for (at = mapped; at < end && table.translate(at); at += kFrameSize) {
    }
  }
  return {};
}

void decommit(std::byte* address, size_t size_bytes) { kernel::drop_memory(address_of(address), size_bytes); }

void release(std::byte* address, size_t size_bytes) {
  kernel::drop_memory(address_of(address), size_bytes);
  if (!kernel::guest_reservations().release(address_of(address), size_bytes))
    kernel::panic("address space is released that is not reserved");
}

Result<CodeMapping> map_code(size_t size_bytes) {
  auto& reservations = kernel::guest_reservations();
  const auto writable = reservations.reserve(size_bytes);
  if (!writable) return std::unexpected(refused("no address space is left", size_bytes));
  const auto executable = reservations.reserve(size_bytes);
  if (executable && kernel::back_with_memory(*writable, size_bytes)) {
    if (map_again(*executable, *writable, size_bytes, arch::Access::execute))
      return CodeMapping{pointer_to(*writable), pointer_to(*executable), size_bytes};
    kernel::drop_memory(*writable, size_bytes);
  }
  if (executable) (void)reservations.release(*executable, size_bytes);
  (void)reservations.release(*writable, size_bytes);
  return std::unexpected(refused("no memory is left for code", size_bytes));
}

void seal_code(CodeMapping& mapping) {
  if (!mapping.writable) return;
  drop_view(address_of(mapping.writable), mapping.size_bytes);
  mapping.writable = nullptr;
  code_ranges().emplace(address_of(mapping.executable), address_of(mapping.executable) + mapping.size_bytes);
}

void unmap_code(CodeMapping& mapping) {
  if (mapping.writable) drop_view(address_of(mapping.writable), mapping.size_bytes);
  if (mapping.executable) {
    code_ranges().erase(address_of(mapping.executable));
    release(mapping.executable, mapping.size_bytes);
  }
  mapping = {};
}

void set_fault_handler(FaultHandler handler) {
  (void)code_ranges(); // constructed before the first fault
  fault_handler = handler;
  arch::set_trap_handler(on_trap);
}

Result<void> prepare_thread() { return {}; } // every gate has a stack of its own

uintptr_t guest_stack_limit() {
  const arch::StackBounds stack = arch::current_stack();
  const uintptr_t half = (stack.high - stack.low) / 2;
  return stack.low + (kHostStackReserve < half ? kHostStackReserve : half);
}

uint64_t monotonic_ns() { return arch::nanoseconds_since_start(); }
uint64_t realtime_ns() { return arch::realtime_nanoseconds(); }

void idle_until(uint64_t monotonic_deadline_ns) {
  while (arch::nanoseconds_since_start() < monotonic_deadline_ns) {
    // The timer's tick wakes: coarse sleep first, then spin the rest away.
    constexpr uint64_t kTickNs = 1'000'000'000 / arch::kTicksPerSecond;
    if (monotonic_deadline_ns - arch::nanoseconds_since_start() > kTickNs) arch::wait_for_interrupt();
  }
}

void random_bytes(std::span<std::byte> out) {
  if (!kernel::random_bytes(out)) kernel::panic("the processor gives no random numbers");
}

Result<size_t> write_stream(Stream, std::span<const std::byte> data) {
  kernel::serial_write({reinterpret_cast<const char*>(data.data()), data.size()});
  return data.size();
}

Result<size_t> read_stream(std::span<std::byte> data) {
  if (data.empty()) return size_t{0};
  constexpr int kEndOfTransmission = 4; // what a terminal sends for Ctrl-D
  int byte = kernel::serial_read();
  for (; byte < 0; byte = kernel::serial_read()) arch::wait_for_interrupt();
  size_t count = 0;
  for (; byte >= 0 && byte != kEndOfTransmission && count < data.size(); byte = kernel::serial_read()) {
    data[count++] = static_cast<std::byte>(byte == '\r' ? '\n' : byte);
    if (count == data.size()) break; // what else has arrived stays in the device
  }
  return count;
}

} // namespace runtime::platform
