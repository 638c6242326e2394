#include "kernel/debug/kernel_test.hpp"
#include "kernel/debug/line.hpp"

extern "C" const kernel::KernelTest kernel_tests_begin[], kernel_tests_end[];

namespace kernel {
namespace {

// The command line separates options by spaces: '-' in a pattern stands for a space, too.
bool starts_with(std::string_view name, std::string_view pattern) {
  if (name.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (name[i] != pattern[i] && !(name[i] == ' ' && pattern[i] == '-')) return false;
  return true;
}
bool contains(std::string_view name, std::string_view pattern) {
  for (; !name.empty(); name.remove_prefix(1))
    if (starts_with(name, pattern)) return true;
  return false;
}

} // namespace

void TestContext::check(bool ok, std::string_view file, unsigned line, std::string_view expression) {
  if (ok) return;
  if (failures++ == 0)
    Line().text("FAILED: ").text(file).text(":").decimal(line).text(": ").text(expression).text("\n").write();
}

uint32_t run_kernel_tests(std::string_view pattern, std::span<const std::byte> module) {
  uint64_t passed = 0;
  uint32_t failed = 0;
  for (const KernelTest* entry = kernel_tests_begin; entry != kernel_tests_end; ++entry) {
    const bool exact = entry->name.size() == pattern.size() && starts_with(entry->name, pattern);
    const bool selected = entry->alone != 0 ? exact : pattern == "all" || contains(entry->name, pattern);
    if (!selected) continue;
    Line().text("test ").text(entry->name).text(" ... ").write();
    TestContext context;
    context.module = module;
    entry->function(context);
    if (context.failures == 0) {
      serial_write("ok\n");
      ++passed;
    } else {
      ++failed;
    }
  }
  Line().text("tests: ").decimal(passed).text(" passed, ").decimal(failed).text(" failed\n").write();
  return passed + failed == 0 ? ~uint32_t{0} : failed;
}

} // namespace kernel
