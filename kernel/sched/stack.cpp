#include "kernel/sched/stack.hpp"
#include "kernel/debug/panic.hpp"
#include "kernel/memory/frames.hpp"
#include "kernel/memory/reservation.hpp"

namespace kernel {

std::expected<Stack, std::string_view> Stack::create(uint64_t size_bytes) {
  size_bytes = (size_bytes + kFrameSize - 1) / kFrameSize * kFrameSize;
  const auto base = kernel_reservations().reserve(size_bytes + kFrameSize); // the lowest page is the guard
  if (!base) return std::unexpected("no address space for a stack");
  if (!back_with_memory(*base + kFrameSize, size_bytes)) {
    (void)kernel_reservations().release(*base, size_bytes + kFrameSize);
    return std::unexpected("no memory for a stack");
  }
  return Stack({*base + kFrameSize, *base + kFrameSize + size_bytes});
}

Stack::Stack(Stack&& other) noexcept : bounds_(other.bounds_) { other.bounds_ = {0, 0}; }

Stack::~Stack() {
  if (bounds_.high == 0) return;
  drop_memory(bounds_.low, bounds_.high - bounds_.low);
  if (!kernel_reservations().release(bounds_.low - kFrameSize, bounds_.high - bounds_.low + kFrameSize))
    panic("a stack is released twice");
}

} // namespace kernel
