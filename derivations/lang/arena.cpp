// Blocks straight from the operating system: zeroed, and only touched when used.
#include "derivations/lang/arena.hpp"
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace lang {

namespace {
constexpr size_t kFirstBlock = size_t{256} << 10;
constexpr size_t kLargestBlock = size_t{32} << 20;

char* map_block(size_t size_bytes) {
  void* data = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc{};
  if (size_bytes >= kLargestBlock) madvise(data, size_bytes, MADV_HUGEPAGE); // fewer page faults; a hint only
  return static_cast<char*>(data);
}
} // namespace

Arena::~Arena() {
  for (const Block& block : blocks_) munmap(block.data, block.size_bytes);
}

void* Arena::allocate_slowly(size_t size_bytes) {
  const uint64_t allocated = allocated_bytes();
  if (size_bytes > size_t{1} << 46 || allocated > limit_bytes_ || size_bytes > limit_bytes_ - allocated)
    throw std::bad_alloc{};
  size_t block_bytes = kFirstBlock;
  for (size_t i = 0; i < blocks_.size() && block_bytes < kLargestBlock; ++i) block_bytes *= 2;
  if (size_bytes > block_bytes / 4) { // a block of its own; the current one stays in use
    const size_t own_bytes = (size_bytes + 4095) & ~size_t{4095};
    char* data = map_block(own_bytes);
    blocks_.push_back({data, own_bytes});
    full_bytes_ += size_bytes;
    return data;
  }
  char* data = map_block(block_bytes);
  blocks_.push_back({data, block_bytes});
  full_bytes_ += static_cast<uint64_t>(next_ - begin_);
  begin_ = data;
  next_ = data + size_bytes;
  end_ = data + block_bytes;
  return data;
}

std::string_view Arena::copy(std::string_view text) {
  char* data = static_cast<char*>(allocate(text.size() + 1));
  if (!text.empty()) std::memcpy(data, text.data(), text.size());
  return {data, text.size()};
}

uint64_t Arena::allocated_bytes() const { return full_bytes_ + static_cast<uint64_t>(next_ - begin_); }

} // namespace lang
