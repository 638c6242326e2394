// Stacks for guests: address space with a guard page below, frames, and a way to run a function on it.
#pragma once
#include "kernel/arch/stack.hpp"
#include <expected>
#include <string_view>

namespace kernel {

class Stack {
public:
  [[nodiscard]] static std::expected<Stack, std::string_view> create(uint64_t size_bytes);
  Stack(Stack&& other) noexcept;
  Stack& operator=(Stack&&) = delete;
  ~Stack();
  [[nodiscard]] arch::StackBounds bounds() const { return bounds_; }

  // Runs `function` on this stack and comes back. C++ exceptions must not leave it.
  template <class Function> void run(const Function& function) const {
    arch::run_on_stack(
        bounds_, [](void* f) { (*static_cast<const Function*>(f))(); }, const_cast<Function*>(&function));
  }

private:
  explicit Stack(arch::StackBounds bounds) : bounds_(bounds) {}
  arch::StackBounds bounds_;
};

} // namespace kernel
