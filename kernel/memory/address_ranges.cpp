#include "kernel/memory/address_ranges.hpp"
#include "kernel/memory/frames.hpp"
#include <iterator>

namespace kernel {
namespace {

constexpr uint64_t kGap = kFrameSize;

} // namespace

AddressRanges::AddressRanges(uint64_t begin, uint64_t end) { free_.emplace(begin, end - begin); }

std::optional<uint64_t> AddressRanges::reserve(uint64_t size_bytes) {
  if (size_bytes == 0 || size_bytes % kFrameSize != 0 || size_bytes + kGap < size_bytes) return std::nullopt;
  const uint64_t needed = size_bytes + kGap;
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (it->second < needed) continue;
    const uint64_t address = it->first;
    const uint64_t rest = it->second - needed;
    free_.erase(it);
    if (rest != 0) free_.emplace(address + needed, rest);
    reserved_.emplace(address, size_bytes);
    reserved_bytes_ += size_bytes;
    return address;
  }
  return std::nullopt;
}

bool AddressRanges::release(uint64_t address, uint64_t size_bytes) {
  const auto found = reserved_.find(address);
  if (found == reserved_.end() || found->second != size_bytes) return false;
  reserved_.erase(found);
  reserved_bytes_ -= size_bytes;
  uint64_t base = address;
  uint64_t size = size_bytes + kGap;
  const auto next = free_.lower_bound(base);
  if (next != free_.end() && next->first == base + size) {
    size += next->second;
    free_.erase(next);
  }
  const auto after = free_.lower_bound(base);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == base) {
      before->second += size;
      return true;
    }
  }
  free_.emplace(base, size);
  return true;
}

bool AddressRanges::contains(uint64_t address, uint64_t size_bytes) const {
  auto after = reserved_.upper_bound(address);
  if (after == reserved_.begin()) return false;
  const auto& [base, size] = *std::prev(after);
  return address - base <= size && size_bytes <= size - (address - base);
}

} // namespace kernel
