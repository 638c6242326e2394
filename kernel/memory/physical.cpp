#include "kernel/memory/physical.hpp"
#include "kernel/debug/panic.hpp"
#include <cstring>

extern "C" const char kernel_physical_begin[], kernel_physical_end[];

namespace kernel {
namespace {

constinit FrameBitmap machine_frames;

struct Reserved {
  uint64_t first, count; // frames
};

// Everything inside of usable ranges that must not be handed out.
struct ReservedList {
  Reserved items[3 + BootInfo::kMaxModules + 4];
  size_t count = 0;
  void add(uint64_t base, uint64_t size) {
    if (size == 0) return;
    const uint64_t first = base / kFrameSize;
    items[count++] = {first, (base + size - 1) / kFrameSize - first + 1};
  }
};

// The lowest place for `count` frames in a usable range that is mapped from entry on and touches nothing reserved.
uint64_t find_room(const BootInfo& info, const ReservedList& reserved, uint64_t count) {
  uint64_t best = ~uint64_t{0};
  for (size_t r = 0; r < info.range_count; ++r) {
    const MemoryRange& range = info.ranges[r];
    if (range.kind != MemoryKind::usable) continue;
    uint64_t first = (range.base + kFrameSize - 1) / kFrameSize;
    const uint64_t end = (range.base + range.size) / kFrameSize;
    for (bool moved = true; moved;) {
      moved = false;
      for (size_t i = 0; i < reserved.count; ++i) {
        const Reserved& item = reserved.items[i];
        if (first < item.first + item.count && item.first < first + count)
          first = item.first + item.count, moved = true;
      }
    }
    if (first + count <= end && first + count <= arch::kBootMapped / kFrameSize && first < best) best = first;
  }
  return best;
}

} // namespace

FrameBitmap& frames() { return machine_frames; }

void set_up_frames(const BootInfo& info) {
  uint64_t highest = 0;
  for (size_t i = 0; i < info.range_count; ++i) {
    const MemoryRange& range = info.ranges[i];
    if (range.kind == MemoryKind::usable && range.base + range.size > highest) highest = range.base + range.size;
  }
  if (highest > arch::kMaxPhysical) highest = arch::kMaxPhysical; // the rest stays unused
  const uint64_t frame_count = highest / kFrameSize;

  ReservedList reserved;
  reserved.add(0, 1 << 20); // firmware data, and a frame 0 that is never valid
  const auto begin = reinterpret_cast<uint64_t>(kernel_physical_begin);
  reserved.add(begin, reinterpret_cast<uint64_t>(kernel_physical_end) - begin);
  for (size_t i = 0; i < info.module_count; ++i) reserved.add(info.modules[i].base, info.modules[i].size);
  for (size_t i = 0; i < info.keep_count; ++i) reserved.add(info.keep[i].base, info.keep[i].size);
  reserved.add(info.acpi_root, info.acpi_root != 0 ? 36 : 0);

  const uint64_t storage_bytes = FrameBitmap::storage_words(frame_count) * 8;
  const uint64_t storage_frames = (storage_bytes + kFrameSize - 1) / kFrameSize;
  const uint64_t storage = find_room(info, reserved, storage_frames);
  if (storage == ~uint64_t{0}) panic("the memory map has no room for the frame bitmap");
  machine_frames =
      FrameBitmap({reinterpret_cast<uint64_t*>(direct(storage * kFrameSize)), storage_bytes / 8}, frame_count);
  for (size_t i = 0; i < info.range_count; ++i) {
    const MemoryRange& range = info.ranges[i];
    if (range.kind != MemoryKind::usable) continue;
    const uint64_t first = (range.base + kFrameSize - 1) / kFrameSize;
    const uint64_t end = (range.base + range.size) / kFrameSize;
    if (end > first) machine_frames.mark_free(first, end - first);
  }
  // A map may contradict itself: what is reserved anywhere stays reserved.
  for (size_t i = 0; i < info.range_count; ++i) {
    const MemoryRange& range = info.ranges[i];
    if (range.kind == MemoryKind::usable || range.size == 0) continue;
    const uint64_t first = range.base / kFrameSize;
    machine_frames.mark_used(first, (range.base + range.size - 1) / kFrameSize - first + 1);
  }
  for (size_t i = 0; i < reserved.count; ++i)
    machine_frames.mark_used(reserved.items[i].first, reserved.items[i].count);
  machine_frames.mark_used(storage, storage_frames);
}

std::optional<uint64_t> allocate_zeroed_frame() {
  const auto frame = machine_frames.allocate();
  if (!frame) return std::nullopt;
  std::memset(direct(*frame * kFrameSize), 0, kFrameSize);
  return *frame * kFrameSize;
}

void release_frame(uint64_t physical) {
  if (!machine_frames.release(physical / kFrameSize)) panic("a physical frame is released twice");
}

} // namespace kernel
