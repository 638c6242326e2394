// In-kernel tests: KERNEL_TEST("name") { … } puts a test into a table of the linker's (section .kernel_tests), which is
// empty in a kernel without tests. The command line's test=PATTERN runs those whose name contains PATTERN ('-' for a
// space), test=all the ones that are expected to come back. Output, one line each, for tests/kernel/run_qemu.py:
//   test NAME ... ok | FAILED: FILE:LINE: EXPRESSION
//   tests: P passed, F failed
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace kernel {

struct TestContext {
  uint32_t failures = 0;
  std::span<const std::byte> module; // the first boot module; may be empty
  void check(bool ok, std::string_view file, unsigned line, std::string_view expression);
};

struct KernelTest {
  std::string_view name;
  void (*function)(TestContext&);
  uint64_t alone; // 1: ends the kernel on purpose; runs only when named exactly
  uint64_t reserved;
};
static_assert(sizeof(KernelTest) == 40);

// Returns the number of failures; ~0 when no test matches.
uint32_t run_kernel_tests(std::string_view pattern, std::span<const std::byte> module);

} // namespace kernel

#define KERNEL_TEST_CONCAT2(a, b) a##b
#define KERNEL_TEST_CONCAT(a, b) KERNEL_TEST_CONCAT2(a, b)
#define KERNEL_TEST_ENTRY(test_name, function, alone)                                                                  \
  static void function([[maybe_unused]] ::kernel::TestContext& test);                                                  \
  [[gnu::section(".kernel_tests"), gnu::used]] constinit const ::kernel::KernelTest KERNEL_TEST_CONCAT(                \
      entry_, function){test_name, function, alone, 0};                                                                \
  static void function([[maybe_unused]] ::kernel::TestContext& test)
#define KERNEL_TEST(test_name) KERNEL_TEST_ENTRY(test_name, KERNEL_TEST_CONCAT(kernel_test_, __COUNTER__), 0)
#define KERNEL_TEST_ALONE(test_name) KERNEL_TEST_ENTRY(test_name, KERNEL_TEST_CONCAT(kernel_test_, __COUNTER__), 1)
#define CHECK(expression) test.check(static_cast<bool>(expression), __FILE_NAME__, __LINE__, #expression)
