// malloc and its relatives over the kernel's heap (C17 7.22.3). A misuse is a panic: it is a fault of the kernel
// itself.
#include "kernel/debug/panic.hpp"
#include "kernel/memory/heap.hpp"
#include <cstring>

extern "C" {

void* malloc(size_t size) { return kernel::heap().allocate(size); }

void free(void* object) {
  if (const char* reason = kernel::heap().release(object)) kernel::panic(reason);
}

void* calloc(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return nullptr;
  void* object = malloc(total);
  if (object) memset(object, 0, total);
  return object;
}

void* realloc(void* object, size_t size) {
  if (!object) return malloc(size);
  const size_t old_size = kernel::heap().usable_size(object);
  if (old_size == 0) kernel::panic("realloc() of a pointer that is no live object");
  if (size <= old_size && size > old_size / 2) return object;
  void* moved = malloc(size);
  if (!moved) return nullptr;
  memcpy(moved, object, size < old_size ? size : old_size);
  free(object);
  return moved;
}

void* aligned_alloc(size_t alignment, size_t size) {
  return kernel::heap().allocate(size, alignment < 16 ? 16 : alignment);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  constexpr int kNoMemory = 12, kInvalid = 22;
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return kInvalid;
  void* object = aligned_alloc(alignment, size);
  if (!object) return kNoMemory;
  *out = object;
  return 0;
}
}
