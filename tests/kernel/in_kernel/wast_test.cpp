// The WebAssembly test suite inside the kernel: every .wast script of the boot module, which is a NAR of a folder of
// them. The same runner as on the host (runtime/text), over the kernel's platform layer. Prints «wast NAME
// passed/total» and a sum.
#include "kernel/debug/kernel_test.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/memory/heap.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/sched/stack.hpp"
#include "runtime/text/text.hpp"
#include "store/format/nar.hpp"
#include <format>
#include <string>
#include <vector>

namespace {

using kernel::serial_write;

// Collects the .wast files of a NAR with their paths.
class Scripts final : public store::NarVisitor {
public:
  struct Script {
    std::string name;
    std::string text;
  };
  std::vector<Script> scripts;

  store::Result<void> file_begin(std::string_view name, bool, uint64_t size_bytes) override {
    scripts.push_back({path(name), {}});
    scripts.back().text.reserve(size_bytes);
    return {};
  }
  store::Result<void> file_data(store::Bytes data) override {
    scripts.back().text.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }
  store::Result<void> file_end() override {
    if (!scripts.back().name.ends_with(".wast")) scripts.pop_back();
    return {};
  }
  store::Result<void> symlink(std::string_view, std::string_view) override { return {}; }
  store::Result<void> directory_begin(std::string_view name) override {
    folders_.emplace_back(name);
    return {};
  }
  store::Result<void> directory_end() override {
    folders_.pop_back();
    return {};
  }

private:
  [[nodiscard]] std::string path(std::string_view name) const {
    std::string whole;
    for (const std::string& folder : folders_)
      if (!folder.empty()) whole += folder + "/";
    return whole += name;
  }
  std::vector<std::string> folders_;
};

struct Sum {
  uint64_t passed = 0, total = 0, scripts = 0;
};

void run_one(const Scripts::Script& script, Sum& sum) {
  runtime::Engine engine;
  const auto result = runtime::run_script(engine, script.text);
  if (!result) {
    serial_write(std::format("wast {} cannot be read: {}\n", script.name, result.error().describe()));
    sum.total += 1;
    return;
  }
  serial_write(std::format("wast {} {}/{}\n", script.name, result->passed, result->assertions));
  for (size_t i = 0; i < result->failures.size() && i < 5; ++i)
    serial_write(std::format("wast   line {}: {}\n", result->failures[i].line, result->failures[i].message));
  sum.passed += result->passed;
  sum.total += result->assertions;
}

} // namespace

KERNEL_TEST_ALONE("wast") {
  Scripts scripts;
  CHECK(!test.module.empty());
  const auto read = store::read_nar(test.module, scripts);
  CHECK(read.has_value());
  CHECK(!scripts.scripts.empty());
  const auto stack = kernel::Stack::create(8 << 20);
  CHECK(stack.has_value());
  if (!stack) return;
  serial_write("\n");
  Sum sum;
  // What the first script leaves behind (tables that are built once) is not a leak; what each of the others leaves, is.
  uint64_t free_after_first = 0;
  for (const auto& script : scripts.scripts) {
    stack->run([&] { run_one(script, sum); });
    ++sum.scripts;
    if (free_after_first == 0) free_after_first = kernel::frames().free_count();
  }
  serial_write(std::format("wast sum {}/{} in {} scripts\n", sum.passed, sum.total, sum.scripts));
  CHECK(sum.passed == sum.total);
  // The heap keeps an empty slab or two of each class.
  CHECK(kernel::frames().free_count() + 512 >= free_after_first);
}
