// The kernel's heap, under malloc and operator new. Small objects (≤ 2048 bytes) come from slabs: runs of frames that
// hold objects of one size class, with a bitmap of what is handed out in the slab's header, so that nothing of the
// allocator lies in a freed object and a double free is seen exactly. Larger ones are runs of frames. A table of one
// word a frame says what a frame belongs to; a pointer that is not the start of a live object is a panic in release().
//
// Invariants: a slab is in its class's list exactly while it has a free object; object addresses are multiples of the
// largest power of two that divides the class size (at most 64). Memory comes through the direct map: RW+NX. One
// processor; not interrupt-safe.
#pragma once
#include "kernel/memory/frames.hpp"
#include <cstddef>
#include <cstdint>

namespace kernel {

struct HeapStatistics {
  uint64_t live_objects = 0;
  uint64_t live_bytes = 0; // as rounded up to classes
  uint64_t frames = 0;     // taken from the frame allocator
};

class Heap {
public:
  // Frames of `frames` are readable and writable at `window` + physical address. Takes one word a frame for its table;
  // false: no memory for that.
  [[nodiscard]] bool set_up(FrameBitmap& frames, std::byte* window);

  // nullptr: out of memory. Alignment: a power of two; 16 at least is always given.
  [[nodiscard]] void* allocate(size_t size, size_t alignment = 16);
  // Why not, for the panic; nullptr when released.
  [[nodiscard]] const char* release(void* object);
  // Bytes that the object may use; 0 where it is no live object.
  [[nodiscard]] size_t usable_size(const void* object) const;
  [[nodiscard]] const HeapStatistics& statistics() const { return statistics_; }

private:
  struct Slab;
  static constexpr size_t kClassCount = 28;
  static const uint16_t kClassSizes[kClassCount];
  static constexpr size_t kMaxSmall = 2048;
  static constexpr uint64_t kSlabFrames = 4;

  [[nodiscard]] void* allocate_small(size_t size_class);
  [[nodiscard]] void* allocate_run(size_t size, size_t alignment);
  [[nodiscard]] Slab* new_slab(size_t size_class);
  [[nodiscard]] Slab* slab_of(const void* object) const;
  [[nodiscard]] uint64_t frame_of(const void* object) const;
  void unlink(Slab& slab);
  void link(Slab& slab);

  FrameBitmap* frames_ = nullptr;
  std::byte* window_ = nullptr;
  uint32_t* owners_ = nullptr; // by frame, see heap.cpp
  Slab* partial_[kClassCount] = {};
  uint8_t class_of_[kMaxSmall / 16 + 1] = {};
  HeapStatistics statistics_;
};

Heap& heap();       // the kernel's
void set_up_heap(); // after the frame allocator and the direct map of all RAM

} // namespace kernel
