// Memory that is given out in order and taken back all at once. Blocks are zeroed by the operating system and never
// reused, so allocated memory is zero. Nothing in it is ever destroyed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lang {

class Arena {
public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Zeroed, aligned to 8.
  [[nodiscard]] void* allocate(size_t size_bytes) {
    size_bytes = (size_bytes + 7) & ~size_t{7};
    if (static_cast<size_t>(end_ - next_) < size_bytes) [[unlikely]]
      return allocate_slowly(size_bytes);
    char* result = next_;
    next_ += size_bytes;
    return result;
  }
  template <class T> [[nodiscard]] T* allocate_array(size_t count) {
    return static_cast<T*>(allocate(count * sizeof(T)));
  }
  [[nodiscard]] std::string_view copy(std::string_view text); // the copy is followed by a NUL
  [[nodiscard]] uint64_t allocated_bytes() const;
  // Allocations beyond throw std::bad_alloc, as those that the operating system refuses do.
  void set_limit(uint64_t bytes) { limit_bytes_ = bytes; }

private:
  void* allocate_slowly(size_t size_bytes);
  struct Block {
    char* data;
    size_t size_bytes;
  };
  char* next_ = nullptr;
  char* end_ = nullptr;
  uint64_t limit_bytes_ = ~uint64_t{0};
  uint64_t full_bytes_ = 0; // in blocks other than the current one
  char* begin_ = nullptr;
  std::vector<Block> blocks_;
};

} // namespace lang
