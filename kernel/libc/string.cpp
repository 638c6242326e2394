// The memory and string functions that compilers and prebuilt libraries call by name (C17 7.24). Eight bytes at a time,
// in general registers only: interrupt handlers may call them, and REP MOVSB is slow on an emulated processor. Built
// with -fno-builtin, or the compiler would turn each loop into a call of itself.
#include <cstddef>
#include <cstdint>

namespace {

using Word [[gnu::may_alias, gnu::aligned(1)]] = uint64_t;

const Word* words(const void* p) { return static_cast<const Word*>(p); }
Word* words(void* p) { return static_cast<Word*>(p); }

} // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, size_t size) {
  auto* t = static_cast<unsigned char*>(to);
  const auto* f = static_cast<const unsigned char*>(from);
  for (; size >= 32; size -= 32, t += 32, f += 32) {
    const uint64_t a = words(f)[0], b = words(f)[1], c = words(f)[2], d = words(f)[3];
    words(t)[0] = a, words(t)[1] = b, words(t)[2] = c, words(t)[3] = d;
  }
  for (; size >= 8; size -= 8, t += 8, f += 8) *words(t) = *words(f);
  for (; size != 0; --size) *t++ = *f++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  // Forward is right unless `to` lies inside of [from, from + size): one unsigned comparison.
  if (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= size) {
    auto* t = static_cast<unsigned char*>(to);
    const auto* f = static_cast<const unsigned char*>(from);
    for (; size >= 8; size -= 8, t += 8, f += 8) *words(t) = *words(f);
    for (; size != 0; --size) *t++ = *f++;
    return to;
  }
  auto* t = static_cast<unsigned char*>(to) + size;
  const auto* f = static_cast<const unsigned char*>(from) + size;
  for (; size >= 8; size -= 8) {
    t -= 8, f -= 8;
    *words(t) = *words(f);
  }
  for (; size != 0; --size) *--t = *--f;
  return to;
}

void* memset(void* to, int byte, size_t size) {
  auto* t = static_cast<unsigned char*>(to);
  const uint64_t pattern = static_cast<unsigned char>(byte) * uint64_t{0x0101010101010101};
  for (; size >= 32; size -= 32, t += 32)
    words(t)[0] = pattern, words(t)[1] = pattern, words(t)[2] = pattern, words(t)[3] = pattern;
  for (; size >= 8; size -= 8, t += 8) *words(t) = pattern;
  for (; size != 0; --size) *t++ = static_cast<unsigned char>(byte);
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const auto* l = static_cast<const unsigned char*>(left);
  const auto* r = static_cast<const unsigned char*>(right);
  for (; size >= 8 && *words(l) == *words(r); size -= 8, l += 8, r += 8) {
  }
  for (; size != 0; --size, ++l, ++r)
    if (*l != *r) return *l - *r;
  return 0;
}
int bcmp(const void* left, const void* right, size_t size) { return memcmp(left, right, size); }

void* memchr(const void* in, int byte, size_t size) {
  for (const auto* p = static_cast<const unsigned char*>(in); size != 0; --size, ++p)
    if (*p == static_cast<unsigned char>(byte)) return const_cast<unsigned char*>(p);
  return nullptr;
}

size_t strlen(const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}
int strcmp(const char* left, const char* right) {
  for (; *left != 0 && *left == *right; ++left, ++right) {
  }
  return static_cast<unsigned char>(*left) - static_cast<unsigned char>(*right);
}
int strncmp(const char* left, const char* right, size_t size) {
  for (; size != 0; --size, ++left, ++right)
    if (*left != *right || *left == 0) return static_cast<unsigned char>(*left) - static_cast<unsigned char>(*right);
  return 0;
}
char* strchr(const char* text, int byte) {
  for (;; ++text) {
    if (*text == static_cast<char>(byte)) return const_cast<char*>(text);
    if (*text == 0) return nullptr;
  }
}
// Not optimised away: libsodium wipes secrets with it.
[[gnu::noinline]] void __explicit_bzero_chk(void* to, size_t size, size_t) {
  memset(to, 0, size);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
void explicit_bzero(void* to, size_t size) { __explicit_bzero_chk(to, size, size); }
}
