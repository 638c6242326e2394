#include "kernel/memory/heap.hpp"
#include <bit>
#include <cstring>

namespace kernel {

// Steps of at most a quarter: no object wastes more than a fifth of itself.
const uint16_t Heap::kClassSizes[kClassCount] = {16,  32,  48,   64,   80,   96,   112,  128, 160, 192,
                                                 224, 256, 320,  384,  448,  512,  576,  640, 704, 768,
                                                 896, 960, 1024, 1152, 1280, 1536, 1792, 2048};

namespace {

// Owner words: the kind in the low two bits, above them the frame's number within its slab, or the run's length.
enum : uint32_t { kFree = 0, kSlab = 1, kRun = 2, kRunBody = 3 };
constexpr uint32_t kKindMask = 3;
constexpr size_t kMaxObjects = 1024; // 16 KiB / 16

} // namespace

struct Heap::Slab {
  uint32_t magic;
  uint16_t size_class;
  uint16_t object_count;
  uint16_t free_count;
  uint16_t first_word; // no word of the bitmap below has a free object
  uint32_t objects;    // offset of the first object
  Slab* next;
  Slab* previous;
  bool linked;
  uint64_t used[kMaxObjects / 64]; // only the words for object_count count

  static constexpr uint32_t kMagic = 0x51ab51ab;
};

bool Heap::set_up(FrameBitmap& frames, std::byte* window) {
  frames_ = &frames;
  window_ = window;
  const uint64_t bytes = frames.frame_count() * sizeof(uint32_t);
  const auto table = frames.allocate((bytes + kFrameSize - 1) / kFrameSize);
  if (!table) return false;
  owners_ = reinterpret_cast<uint32_t*>(window + *table * kFrameSize);
  std::memset(owners_, 0, bytes);
  size_t size_class = 0;
  for (size_t i = 0; i <= kMaxSmall / 16; ++i) {
    if (i * 16 > kClassSizes[size_class]) ++size_class;
    class_of_[i] = static_cast<uint8_t>(size_class);
  }
  return true;
}

uint64_t Heap::frame_of(const void* object) const {
  return static_cast<uint64_t>(static_cast<const std::byte*>(object) - window_) / kFrameSize;
}

Heap::Slab* Heap::slab_of(const void* object) const {
  const uint64_t frame = frame_of(object);
  return reinterpret_cast<Slab*>(window_ + (frame - (owners_[frame] >> 2)) * kFrameSize);
}

void Heap::link(Slab& slab) {
  Slab*& head = partial_[slab.size_class];
  slab.previous = nullptr;
  slab.next = head;
  if (head) head->previous = &slab;
  head = &slab;
  slab.linked = true;
}

void Heap::unlink(Slab& slab) {
  if (slab.next) slab.next->previous = slab.previous;
  if (slab.previous)
    slab.previous->next = slab.next;
  else
    partial_[slab.size_class] = slab.next;
  slab.linked = false;
}

Heap::Slab* Heap::new_slab(size_t size_class) {
  const auto first = frames_->allocate(kSlabFrames);
  if (!first) return nullptr;
  statistics_.frames += kSlabFrames;
  for (uint64_t i = 0; i < kSlabFrames; ++i) owners_[*first + i] = kSlab | static_cast<uint32_t>(i << 2);
  auto* slab = reinterpret_cast<Slab*>(window_ + *first * kFrameSize);
  const size_t size = kClassSizes[size_class];
  // The header's bitmap ends where the objects begin: smaller classes need more of it.
  constexpr size_t kFixed = offsetof(Slab, used);
  size_t count = (kSlabFrames * kFrameSize - kFixed) / size;
  size_t objects = 0;
  for (;; --count) {
    objects = (kFixed + (count + 63) / 64 * 8 + 63) / 64 * 64;
    if (objects + count * size <= kSlabFrames * kFrameSize) break;
  }
  slab->magic = Slab::kMagic;
  slab->size_class = static_cast<uint16_t>(size_class);
  slab->object_count = static_cast<uint16_t>(count);
  slab->free_count = static_cast<uint16_t>(count);
  slab->first_word = 0;
  slab->objects = static_cast<uint32_t>(objects);
  for (size_t i = 0; i < (count + 63) / 64; ++i) slab->used[i] = 0;
  if (count % 64 != 0) slab->used[count / 64] = ~uint64_t{0} << count % 64; // beyond the end: never free
  link(*slab);
  return slab;
}

void* Heap::allocate_small(size_t size_class) {
  Slab* slab = partial_[size_class];
  if (!slab) slab = new_slab(size_class);
  if (!slab) return nullptr;
  size_t word = slab->first_word;
  while (slab->used[word] == ~uint64_t{0}) ++word; // free_count > 0: there is one
  slab->first_word = static_cast<uint16_t>(word);
  const auto bit = static_cast<size_t>(std::countr_zero(~slab->used[word]));
  slab->used[word] |= uint64_t{1} << bit;
  if (--slab->free_count == 0) unlink(*slab);
  ++statistics_.live_objects;
  statistics_.live_bytes += kClassSizes[size_class];
  return reinterpret_cast<std::byte*>(slab) + slab->objects + (word * 64 + bit) * kClassSizes[size_class];
}

void* Heap::allocate_run(size_t size, size_t alignment) {
  const uint64_t count = (size + kFrameSize - 1) / kFrameSize;
  if (count >= uint64_t{1} << 30) return nullptr; // the owner word holds 30 bits
  const auto first = frames_->allocate(count, alignment <= kFrameSize ? 1 : alignment / kFrameSize);
  if (!first) return nullptr;
  statistics_.frames += count;
  ++statistics_.live_objects;
  statistics_.live_bytes += count * kFrameSize;
  owners_[*first] = kRun | static_cast<uint32_t>(count << 2);
  for (uint64_t i = 1; i < count; ++i) owners_[*first + i] = kRunBody;
  return window_ + *first * kFrameSize;
}

void* Heap::allocate(size_t size, size_t alignment) {
  if (!std::has_single_bit(alignment) || size > SIZE_MAX - kFrameSize) return nullptr;
  if (size == 0) size = 1;
  if (alignment > 64 || size > kMaxSmall) return allocate_run(size, alignment);
  if (alignment > 16) size = (size + 63) / 64 * 64; // multiples of 64 …
  size_t size_class = class_of_[(size + 15) / 16];
  while (alignment > 16 && kClassSizes[size_class] % 64 != 0) ++size_class; // … whose class is one, too
  return allocate_small(size_class);
}

size_t Heap::usable_size(const void* object) const {
  const uint64_t frame = frame_of(object);
  if (frame >= frames_->frame_count()) return 0;
  switch (owners_[frame] & kKindMask) {
  case kSlab: return kClassSizes[slab_of(object)->size_class];
  case kRun: return uint64_t{owners_[frame] >> 2} * kFrameSize;
  default: return 0;
  }
}

const char* Heap::release(void* object) {
  if (!object) return nullptr;
  const uint64_t frame = frame_of(object);
  if (frame >= frames_->frame_count()) return "free() of a pointer outside of the heap";
  switch (owners_[frame] & kKindMask) {
  case kSlab: {
    Slab* slab = slab_of(object);
    if (slab->magic != Slab::kMagic) return "the header of a heap slab is overwritten";
    const size_t size = kClassSizes[slab->size_class];
    const size_t offset = static_cast<size_t>(static_cast<std::byte*>(object) - reinterpret_cast<std::byte*>(slab));
    if (offset < slab->objects || (offset - slab->objects) % size != 0)
      return "free() of a pointer that is not the start of an object";
    const size_t index = (offset - slab->objects) / size;
    const uint64_t bit = uint64_t{1} << index % 64;
    if (index >= slab->object_count || (slab->used[index / 64] & bit) == 0) return "double free()";
    slab->used[index / 64] &= ~bit;
    --statistics_.live_objects;
    statistics_.live_bytes -= size;
    if (index / 64 < slab->first_word) slab->first_word = static_cast<uint16_t>(index / 64);
    if (!slab->linked) link(*slab);
    // An empty slab goes back unless it is its class's last: one object coming and going must not take and return
    // frames.
    if (++slab->free_count == slab->object_count && (slab->next || slab->previous)) {
      unlink(*slab);
      const uint64_t first = frame_of(slab);
      slab->magic = 0;
      for (uint64_t i = 0; i < kSlabFrames; ++i) owners_[first + i] = kFree;
      statistics_.frames -= kSlabFrames;
      if (!frames_->release(first, kSlabFrames)) return "the frames of a heap slab are released twice";
    }
    return nullptr;
  }
  case kRun: {
    if (reinterpret_cast<uint64_t>(object) % kFrameSize != 0)
      return "free() of a pointer that is not the start of an object";
    const uint64_t count = owners_[frame] >> 2;
    for (uint64_t i = 0; i < count; ++i) owners_[frame + i] = kFree;
    --statistics_.live_objects;
    statistics_.live_bytes -= count * kFrameSize;
    statistics_.frames -= count;
    if (!frames_->release(frame, count)) return "the frames of a heap object are released twice";
    return nullptr;
  }
  case kRunBody: return "free() of a pointer that is not the start of an object";
  default: return "double free(), or free() of a pointer that was never allocated";
  }
}

} // namespace kernel
