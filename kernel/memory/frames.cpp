#include "kernel/memory/frames.hpp"
#include <bit>

namespace kernel {
namespace {

// Bits [from, to) of a word; to ≤ 64.
constexpr uint64_t mask(uint64_t from, uint64_t to) {
  const uint64_t below_to = to == 64 ? ~uint64_t{0} : (uint64_t{1} << to) - 1;
  return below_to & ~((uint64_t{1} << from) - 1);
}

} // namespace

FrameBitmap::FrameBitmap(std::span<uint64_t> storage, uint64_t frame_count) : frame_count_(frame_count) {
  const size_t words = (frame_count + 63) / 64;
  words_ = storage.first(words);
  summary_ = storage.subspan(words, (words + 63) / 64);
  for (auto& word : words_) word = ~uint64_t{0};
  for (auto& word : summary_) word = 0;
  hint_ = frame_count;
}

void FrameBitmap::set(uint64_t first, uint64_t count, bool used) {
  if (first >= frame_count_) return;
  if (count > frame_count_ - first) count = frame_count_ - first;
  if (!used && count != 0 && first < hint_) hint_ = first;
  while (count != 0) {
    const uint64_t index = first / 64;
    const uint64_t from = first % 64;
    const uint64_t here = count < 64 - from ? count : 64 - from;
    const uint64_t bits = mask(from, from + here);
    uint64_t& word = words_[index];
    if (used) {
      free_count_ -= static_cast<uint64_t>(std::popcount(bits & ~word));
      word |= bits;
    } else {
      free_count_ += static_cast<uint64_t>(std::popcount(bits & word));
      word &= ~bits;
    }
    const uint64_t summary_bit = uint64_t{1} << index % 64;
    if (word == ~uint64_t{0})
      summary_[index / 64] &= ~summary_bit;
    else
      summary_[index / 64] |= summary_bit;
    first += here;
    count -= here;
  }
}

void FrameBitmap::mark_free(uint64_t first, uint64_t count) { set(first, count, false); }
void FrameBitmap::mark_used(uint64_t first, uint64_t count) { set(first, count, true); }

uint64_t FrameBitmap::find_free(uint64_t from) const {
  if (from >= frame_count_) return frame_count_;
  const uint64_t here = ~words_[from / 64] & mask(from % 64, 64);
  if (here != 0) return from / 64 * 64 + static_cast<uint64_t>(std::countr_zero(here));
  uint64_t word = from / 64 + 1;
  if (word >= words_.size()) return frame_count_;
  uint64_t candidates = summary_[word / 64] & mask(word % 64, 64);
  for (uint64_t s = word / 64;;) {
    if (candidates != 0) {
      word = s * 64 + static_cast<uint64_t>(std::countr_zero(candidates));
      return word * 64 + static_cast<uint64_t>(std::countr_zero(~words_[word]));
    }
    if (++s >= summary_.size()) return frame_count_;
    candidates = summary_[s];
  }
}

uint64_t FrameBitmap::find_used(uint64_t from, uint64_t limit) const {
  while (from < limit) {
    const uint64_t used = words_[from / 64] & mask(from % 64, 64);
    if (used != 0) {
      const uint64_t frame = from / 64 * 64 + static_cast<uint64_t>(std::countr_zero(used));
      return frame < limit ? frame : limit;
    }
    from = (from / 64 + 1) * 64;
  }
  return limit;
}

std::optional<uint64_t> FrameBitmap::allocate(uint64_t count, uint64_t alignment) {
  if (count == 0 || count > free_count_) return std::nullopt;
  uint64_t first = find_free(hint_);
  hint_ = first;
  while (first < frame_count_) {
    first = (first + alignment - 1) & ~(alignment - 1);
    if (first >= frame_count_ || count > frame_count_ - first) return std::nullopt;
    const uint64_t used = find_used(first, first + count);
    if (used == first + count) {
      set(first, count, true);
      return first;
    }
    first = find_free(used + 1);
  }
  return std::nullopt;
}

bool FrameBitmap::in_use(uint64_t frame) const {
  return frame >= frame_count_ || (words_[frame / 64] >> frame % 64 & 1) != 0;
}

bool FrameBitmap::release(uint64_t first, uint64_t count) {
  if (first >= frame_count_ || count > frame_count_ - first) return false;
  if (count == 1) {
    if (!in_use(first)) return false;
  } else {
    const uint64_t free_frame = find_free(first);
    if (free_frame < first + count) return false;
  }
  set(first, count, false);
  return true;
}

} // namespace kernel
