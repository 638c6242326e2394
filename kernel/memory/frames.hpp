// Frames: the 4 KiB pieces of physical memory. A bitmap (1 = in use) under a summary of one bit for each 64 frames
// («some frame of the 64 is free»), so that searching skips full memory 4096 frames at a time and start-up writes only
// bitmap words, never the memory itself.
//
// Invariants: a frame is handed out at most once until it is returned; frames that no range made free are never handed
// out. Frame numbers are physical address / 4096. Pure over storage that the caller provides; not interrupt-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace kernel {

inline constexpr uint64_t kFrameSize = 4096;

class FrameBitmap {
public:
  // Words of storage for frames [0, frame_count).
  [[nodiscard]] static constexpr size_t storage_words(uint64_t frame_count) {
    const uint64_t words = (frame_count + 63) / 64;
    return words + (words + 63) / 64;
  }
  FrameBitmap() = default;
  FrameBitmap(std::span<uint64_t> storage, uint64_t frame_count); // everything in use

  // Marks whole frames; parts beyond frame_count are ignored. Frames may be in that state already.
  void mark_free(uint64_t first, uint64_t count);
  void mark_used(uint64_t first, uint64_t count);

  // The lowest free run of `count` frames whose number is a multiple of `alignment` (a power of two); nothing when
  // there is none.
  [[nodiscard]] std::optional<uint64_t> allocate(uint64_t count = 1, uint64_t alignment = 1);
  // False when any of the frames is not in use (a double free) or out of range: nothing is changed.
  [[nodiscard]] bool release(uint64_t first, uint64_t count = 1);

  [[nodiscard]] bool in_use(uint64_t frame) const;
  [[nodiscard]] uint64_t free_count() const { return free_count_; }
  [[nodiscard]] uint64_t frame_count() const { return frame_count_; }

private:
  [[nodiscard]] uint64_t find_free(uint64_t from) const; // frame_count_ when there is none
  [[nodiscard]] uint64_t find_used(uint64_t from, uint64_t limit) const;
  void set(uint64_t first, uint64_t count, bool used);

  std::span<uint64_t> words_;
  std::span<uint64_t> summary_;
  uint64_t frame_count_ = 0;
  uint64_t free_count_ = 0;
  uint64_t hint_ = 0; // no frame below is free
};

} // namespace kernel
