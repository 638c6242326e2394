// Faults are caught where they happen and say what happened; interrupts leave no trace in the interrupted code.
#include "kernel/arch/clock.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/per_cpu.hpp"
#include "kernel/arch/stack.hpp"
#include "kernel/arch/traps.hpp"
#include "kernel/debug/kernel_test.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/sched/stack.hpp"
#include <memory>

using namespace kernel;

extern "C" const char kernel_text_begin[];

namespace {

const volatile uint32_t constant = 7;

template <class Function> arch::ProbeResult probe(Function function) {
  return arch::probe([](void* f) { (*static_cast<Function*>(f))(); }, &function);
}

volatile uint64_t depth_reached;
[[gnu::noinline]] uint64_t recurse(uint64_t depth) {
  depth_reached = depth;
  volatile char space[512];
  space[0] = static_cast<char>(depth);
  if (depth == ~uint64_t{0}) return 0; // never reached, but the compiler need not know
  return recurse(depth + 1) + static_cast<uint64_t>(space[0]);
}

// Fills the 128 bytes below rsp, waits until `ticks` have passed there, and counts the words that changed.
uint64_t damaged_red_zone_words(uint64_t ticks) {
  uint64_t damaged = 0;
  for (const uint64_t end = arch::tick_count() + ticks; arch::tick_count() < end;) {
    uint64_t bad = 0;
    asm volatile("movl $1, %%ecx\n"
                 "1: movq %%rcx, %%rax\n negq %%rax\n"
                 "movq %%rcx, (%%rsp,%%rax,8)\n"
                 "incl %%ecx\n cmpl $17, %%ecx\n jne 1b\n"
                 "movl $20000, %%edx\n"
                 "2: decl %%edx\n jnz 2b\n"
                 "movl $1, %%ecx\n"
                 "3: movq %%rcx, %%rax\n negq %%rax\n"
                 "cmpq %%rcx, (%%rsp,%%rax,8)\n"
                 "je 4f\n incq %0\n"
                 "4: incl %%ecx\n cmpl $17, %%ecx\n jne 3b\n"
                 : "+r"(bad)
                 :
                 : "rax", "rcx", "rdx", "memory", "cc");
    damaged += bad;
  }
  return damaged;
}

} // namespace

KERNEL_TEST("an invalid instruction traps") {
  const auto result = probe([] { asm volatile("ud2"); });
  CHECK(result.trapped);
  CHECK(result.trap.kind == arch::TrapKind::illegal_instruction);
}

KERNEL_TEST("a division by zero traps") {
  const auto result = probe([] {
    asm volatile("xorl %%ecx, %%ecx\n movl $1, %%eax\n cltd\n idivl %%ecx" ::: "rax", "rcx", "rdx");
  });
  CHECK(result.trapped);
  CHECK(result.trap.kind == arch::TrapKind::arithmetic);
}

KERNEL_TEST("reading null faults with its address") {
  const auto result = probe([] { (void)*reinterpret_cast<volatile int*>(0x18); });
  CHECK(result.trapped);
  CHECK(result.trap.kind == arch::TrapKind::memory_access);
  CHECK(result.trap.address == 0x18);
  CHECK(!result.trap.mapped);
  CHECK(result.trap.use == arch::MemoryUse::read);
}

KERNEL_TEST("the identity map is gone") {
  CHECK(probe([] { (void)*reinterpret_cast<volatile int*>(0x100000); }).trapped);
}

KERNEL_TEST("a non-canonical address is a general protection fault") {
  const auto result = probe([] { (void)*reinterpret_cast<volatile int*>(0x1234567890abcdef); });
  CHECK(result.trapped);
  CHECK(result.trap.kind == arch::TrapKind::protection);
}

KERNEL_TEST("program text cannot be written") {
  const auto result = probe([] { *const_cast<volatile char*>(kernel_text_begin) = 0; });
  CHECK(result.trapped);
  CHECK(result.trap.mapped);
  CHECK(result.trap.use == arch::MemoryUse::write);
}

KERNEL_TEST("program text cannot be written through the direct map") {
  const auto result = probe([] {
    *reinterpret_cast<volatile char*>(direct(reinterpret_cast<uint64_t>(kernel_text_begin) - arch::kKernelBase)) = 0;
  });
  CHECK(result.trapped);
  CHECK(result.trap.mapped);
  CHECK(result.trap.use == arch::MemoryUse::write);
}

KERNEL_TEST("constants cannot be written") {
  CHECK(probe([] { const_cast<volatile uint32_t&>(constant) = 8; }).trapped);
  CHECK(constant == 7);
}

KERNEL_TEST("data, heap and stack cannot be executed") {
  static uint8_t in_data[] = {0xc3};
  uint8_t on_stack[] = {0xc3};
  const auto in_heap = std::make_unique<uint8_t>(uint8_t{0xc3});
  for (uint8_t* code : {in_data, on_stack, in_heap.get()}) {
    const auto result = probe([code] { reinterpret_cast<void (*)()>(code)(); });
    CHECK(result.trapped);
    CHECK(result.trap.kind == arch::TrapKind::memory_access);
    CHECK(result.trap.use == arch::MemoryUse::execute);
    CHECK(result.trap.address == reinterpret_cast<uint64_t>(code));
  }
}

KERNEL_TEST("a stack that overflows hits its guard page") {
  auto stack = Stack::create(64 << 10);
  CHECK(stack.has_value());
  const auto result = probe([&] { stack->run([] { (void)recurse(0); }); });
  CHECK(result.trapped);
  CHECK(result.trap.kind == arch::TrapKind::memory_access);
  CHECK(result.trap.address < stack->bounds().low);
  CHECK(result.trap.address >= stack->bounds().low - 4096);
  CHECK(depth_reached > 50);
}

KERNEL_TEST("the boot stack has a guard page") {
  const arch::StackBounds bounds = arch::current_stack();
  CHECK(probe([&] { (void)*reinterpret_cast<volatile int*>(bounds.low - 4); }).trapped);
  CHECK(!probe([&] { (void)*reinterpret_cast<volatile int*>(bounds.low); }).trapped);
}

KERNEL_TEST("running on a stack makes it the current one, and the one before again afterwards") {
  const arch::StackBounds before = arch::current_stack();
  auto stack = Stack::create(64 << 10);
  arch::StackBounds inside;
  stack->run([&] { inside = arch::current_stack(); });
  CHECK(inside.low == stack->bounds().low && inside.high == stack->bounds().high);
  CHECK(arch::current_stack().low == before.low && arch::current_stack().high == before.high);
  // A fault on the way out of it, too.
  CHECK(probe([&] { stack->run([] { asm volatile("ud2"); }); }).trapped);
  CHECK(arch::current_stack().low == before.low && arch::current_stack().high == before.high);
}

KERNEL_TEST("a guard page ends where its stack begins") {
  const uint64_t low = arch::current_stack().low;
  CHECK(arch::in_stack_guard(low - 1));
  CHECK(arch::in_stack_guard(low - 4096));
  CHECK(!arch::in_stack_guard(low));
  CHECK(!arch::in_stack_guard(0));
}

KERNEL_TEST("the processor's state is found on every stack, and counts its own ticks") {
  arch::PerCpu* const here = &arch::this_cpu();
  CHECK(here->self == here);
  auto stack = Stack::create(64 << 10);
  arch::PerCpu* on_stack = nullptr;
  stack->run([&] { on_stack = &arch::this_cpu(); });
  CHECK(on_stack == here);
  const uint64_t ticks = arch::tick_count();
  while (arch::tick_count() == ticks) arch::wait_for_interrupt();
  CHECK(here->tick_count > ticks);
  CHECK(here->reports_begun == 0);
}

KERNEL_TEST("a trap tells where its code stood") {
  const auto result = probe([] { asm volatile("ud2"); });
  const arch::StackBounds stack = arch::current_stack();
  CHECK(result.trap.pc >= reinterpret_cast<uint64_t>(kernel_text_begin));
  CHECK(result.trap.sp > stack.low && result.trap.sp < stack.high);
  CHECK(result.trap.fp > stack.low && result.trap.fp < stack.high);
  CHECK(result.trap.name == "invalid opcode");
}

KERNEL_TEST("a trap inside of a trap handler's reach leaves the outer state alone") {
  // Two faults in a row on the same stack: the second must not find the first one's frame in its way.
  for (int i = 0; i < 100; ++i) {
    CHECK(probe([] { asm volatile("ud2"); }).trap.kind == arch::TrapKind::illegal_instruction);
    CHECK(probe([] { (void)*reinterpret_cast<volatile int*>(8); }).trap.kind == arch::TrapKind::memory_access);
  }
}

KERNEL_TEST("interrupts keep out of the red zone") { CHECK(damaged_red_zone_words(20) == 0); }

KERNEL_TEST("interrupts keep out of the red zone of a guest stack") {
  auto stack = Stack::create(64 << 10);
  uint64_t damaged = ~uint64_t{0};
  stack->run([&] { damaged = damaged_red_zone_words(5); });
  CHECK(damaged == 0);
}

KERNEL_TEST("interrupts keep vector registers") {
  uint64_t in[2] = {0x0123456789abcdef, 0xfedcba9876543210};
  uint64_t bad = 0;
  for (const uint64_t end = arch::tick_count() + 10; arch::tick_count() < end;) {
    uint64_t out[2];
    asm volatile("movups %1, %%xmm7\n movl $20000, %%edx\n 1: decl %%edx\n jnz 1b\n movups %%xmm7, %0"
                 : "=m"(out)
                 : "m"(in)
                 : "rdx", "xmm7", "cc");
    bad += out[0] != in[0] || out[1] != in[1];
  }
  CHECK(bad == 0);
}

KERNEL_TEST("the timer ticks a hundred times a second") {
  const uint64_t ticks = arch::tick_count();
  const uint64_t begin = arch::nanoseconds_since_start();
  while (arch::nanoseconds_since_start() - begin < 200'000'000) arch::wait_for_interrupt();
  const uint64_t passed = arch::tick_count() - ticks;
  CHECK(passed >= 5); // a loaded host delivers late, and merges what it is late with
  CHECK(passed <= 60);
}

KERNEL_TEST("the clock shows a date of this century") {
  constexpr uint64_t kYear = uint64_t{31556952} * 1'000'000'000;
  CHECK(arch::realtime_nanoseconds() > 54 * kYear);
  CHECK(arch::realtime_nanoseconds() < 130 * kYear);
}

// --- tests that end the kernel: tests/kernel/CMakeLists.txt says what must be on the serial line

KERNEL_TEST_ALONE("panic: a fault of the kernel") { *reinterpret_cast<volatile int*>(0xdead0000) = 1; }

KERNEL_TEST_ALONE("panic: the boot stack overflows") { (void)recurse(0); }

KERNEL_TEST_ALONE("panic: a stack buffer overflows") {
  char buffer[16];
  // Up to the saved frame pointer, so that the canary dies but the backtrace lives.
  auto* const end = static_cast<volatile char*>(__builtin_frame_address(0));
  for (volatile char* target = buffer; target < end; ++target) *target = 'A';
}
