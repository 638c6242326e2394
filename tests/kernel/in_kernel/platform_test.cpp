// The engine's port layer on the bare machine: memory, code that is never writable and executable at once, faults in
// it.
#include "kernel/arch/traps.hpp"
#include "kernel/debug/kernel_test.hpp"
#include "kernel/memory/physical.hpp"
#include "runtime/platform/platform.hpp"
#include <cstring>

namespace platform = runtime::platform;
using kernel::arch::probe;

namespace {

bool write_faults(std::byte* address) {
  return probe([](void* a) { *static_cast<volatile unsigned char*>(a) = 1; }, address).trapped;
}

platform::Fault last_fault;
uintptr_t landing;
bool land(platform::Fault& fault) {
  last_fault = fault;
  if (landing == 0) return false;
  fault.pc = landing;
  fault.result = 77;
  return true;
}

// Code of one function that faults, and another right behind it, where faults land: «ret».
struct FaultingCode {
  platform::CodeMapping mapping;
  explicit FaultingCode(std::initializer_list<unsigned char> faulting) {
    auto made = platform::map_code(4096);
    if (!made) return;
    mapping = *made;
    size_t at = 0;
    for (const unsigned char byte : faulting) mapping.writable[at++] = std::byte{byte};
    mapping.writable[64] = std::byte{0xc3};
    platform::seal_code(mapping);
  }
  ~FaultingCode() { platform::unmap_code(mapping); }
  uint64_t call() {
    platform::set_fault_handler(land);
    landing = reinterpret_cast<uintptr_t>(mapping.executable) + 64;
    return reinterpret_cast<uint64_t (*)()>(mapping.executable)();
  }
};

} // namespace

KERNEL_TEST("platform: committing twice keeps what is there; decommitting gives the frames back") {
  const uint64_t free_before = kernel::frames().free_count();
  auto base = platform::reserve(uint64_t{6} << 30);
  CHECK(base.has_value());
  CHECK(platform::commit(*base, 3 * 4096).has_value());
  (*base)[4096] = std::byte{5};
  CHECK(platform::commit(*base, 8 * 4096).has_value());
  CHECK((*base)[4096] == std::byte{5});
  CHECK((*base)[7 * 4096] == std::byte{0});
  platform::decommit(*base + 4096, 4096);
  CHECK(write_faults(*base + 4096));
  CHECK(!write_faults(*base));
  platform::release(*base, uint64_t{6} << 30);
  CHECK(kernel::frames().free_count() == free_before);
}

KERNEL_TEST("platform: committing more than the machine has is an error that keeps nothing") {
  auto base = platform::reserve(uint64_t{64} << 30);
  const uint64_t free_before = kernel::frames().free_count();
  const auto result = platform::commit(*base, uint64_t{64} << 30);
  CHECK(!result.has_value());
  CHECK(result.error().kind == runtime::ErrorKind::resource);
  CHECK(kernel::frames().free_count() == free_before);
  platform::release(*base, uint64_t{64} << 30);
}

KERNEL_TEST("platform: code runs through one view and is written through the other, which sealing takes away") {
  const uint64_t free_before = kernel::frames().free_count();
  auto mapping = platform::map_code(2 * 4096);
  CHECK(mapping.has_value());
  const unsigned char returns_42[] = {0xb8, 42, 0, 0, 0, 0xc3};
  memcpy(mapping->writable + 4096, returns_42, sizeof returns_42);
  std::byte* const writable = mapping->writable;
  CHECK(write_faults(mapping->executable));
  CHECK(probe([](void* code) { reinterpret_cast<void (*)()>(code)(); }, writable).trapped);
  platform::seal_code(*mapping);
  CHECK(mapping->writable == nullptr);
  CHECK(write_faults(writable));
  CHECK(reinterpret_cast<int (*)()>(mapping->executable + 4096)() == 42);
  std::byte* const executable = mapping->executable;
  platform::unmap_code(*mapping);
  CHECK(write_faults(executable));
  CHECK(kernel::frames().free_count() == free_before);
}

KERNEL_TEST("platform: a memory fault in sealed code lands where the handler says, with its result") {
  // xor eax, eax; mov eax, [rax + 0x18]
  FaultingCode code({0x31, 0xc0, 0x8b, 0x40, 0x18});
  CHECK(code.call() == 77);
  CHECK(last_fault.kind == platform::FaultKind::memory_access);
  CHECK(last_fault.address == 0x18);
  CHECK(last_fault.pc == reinterpret_cast<uintptr_t>(code.mapping.executable) + 2);
}

KERNEL_TEST("platform: an invalid instruction and a division by zero in sealed code land, too") {
  FaultingCode invalid({0x0f, 0x0b});
  CHECK(invalid.call() == 77);
  CHECK(last_fault.kind == platform::FaultKind::illegal_instruction);
  FaultingCode division({0x31, 0xc9, 0x31, 0xd2, 0xf7, 0xf9}); // xor ecx, ecx; xor edx, edx; idiv ecx
  CHECK(division.call() == 77);
  CHECK(last_fault.kind == platform::FaultKind::arithmetic);
  for (int i = 0; i < 1000; ++i) CHECK(invalid.call() == 77);
}

KERNEL_TEST("platform: a fault outside of sealed code is never the handler's") {
  platform::set_fault_handler(land);
  last_fault = {};
  CHECK(probe([](void*) { asm volatile("ud2"); }, nullptr).trapped);
  CHECK(last_fault.pc == 0);
}

KERNEL_TEST("platform: idling ends at its deadline") {
  const uint64_t begin = platform::monotonic_ns();
  platform::idle_until(begin + 30'000'000);
  CHECK(platform::monotonic_ns() >= begin + 30'000'000);
  CHECK(platform::monotonic_ns() < begin + 2'000'000'000);
}
