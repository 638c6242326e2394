// A guest that goes wrong on purpose: reads a list of measurements, follows a wild pointer three calls deep and stores
// beyond the end of its memory. The functions are kept apart so that the backtrace shows each of them by name.
#include <stdint.h>
#include <stdio.h>

#define APART __attribute__((noinline, optnone))

APART static void store_measurement(uintptr_t where, int value) {
  *(volatile int *)where = value; // 3 GiB, and the memory has a few pages
}

APART static void record(int index, int value) { store_measurement(0xc0000000u + (uintptr_t)index * 4, value); }

APART static int measure(int count) {
  int total = 0;
  for (int index = 0; index < count; ++index) {
    record(index, index * index);
    total += index;
  }
  return total;
}

int main(void) {
  puts("crash: about to store where there is no memory");
  fflush(stdout);
  printf("crash: not reached, total %d\n", measure(3));
  return 0;
}
