// Frames, heap, address space on the real machine. The portable parts have host tests beside this folder.
#include "kernel/arch/traps.hpp"
#include "kernel/debug/kernel_test.hpp"
#include "kernel/memory/heap.hpp"
#include "kernel/memory/kernel_map.hpp"
#include "kernel/memory/physical.hpp"
#include "kernel/memory/reservation.hpp"
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

using namespace kernel;

namespace {

uint64_t random_state = 0x9e3779b97f4a7c15;
uint64_t random_number() { // xorshift: the same numbers in each run
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

bool faults(uint64_t address) {
  return arch::probe([](void* a) { (void)*static_cast<volatile char*>(a); }, reinterpret_cast<void*>(address)).trapped;
}

// Frames for a page table of the tests' own: how many more it gets, and how many it has.
uint64_t frames_left, frames_taken;
constexpr arch::FrameSource kCountedFrames{.allocate_zeroed = []() -> std::optional<uint64_t> {
                                             if (frames_left == 0) return std::nullopt;
                                             --frames_left, ++frames_taken;
                                             return allocate_zeroed_frame();
                                           },
                                           .release =
                                               [](uint64_t physical) {
                                                 --frames_taken;
                                                 release_frame(physical);
                                               }};

struct Object {
  unsigned char* address;
  size_t size;
  unsigned char pattern;
};

} // namespace

KERNEL_TEST("the heap keeps every object's bytes through random allocation and release") {
  const HeapStatistics before = heap().statistics();
  {
    std::vector<Object> live;
    live.reserve(600);
    uint32_t damaged = 0;
    for (int step = 0; step < 6000; ++step) {
      if (live.size() < 500 && (live.empty() || random_number() % 5 < 3)) {
        const size_t size = random_number() % 20 == 0 ? random_number() % 50000 : random_number() % 700;
        const size_t alignment = size_t{16} << random_number() % 5;
        auto* address = static_cast<unsigned char*>(aligned_alloc(alignment, size));
        damaged += address == nullptr || reinterpret_cast<uint64_t>(address) % alignment != 0;
        const auto pattern = static_cast<unsigned char>(step);
        memset(address, pattern, size);
        live.push_back({address, size, pattern});
      } else {
        const size_t index = random_number() % live.size();
        const Object object = live[index];
        for (size_t i = 0; i < object.size; ++i) damaged += object.address[i] != object.pattern;
        free(object.address);
        live[index] = live.back();
        live.pop_back();
      }
    }
    for (const Object& object : live) {
      for (size_t i = 0; i < object.size; ++i) damaged += object.address[i] != object.pattern;
      free(object.address);
    }
    CHECK(damaged == 0);
  }
  CHECK(heap().statistics().live_objects == before.live_objects);
  CHECK(heap().statistics().live_bytes == before.live_bytes);
}

KERNEL_TEST("realloc keeps the contents") {
  auto* text = static_cast<char*>(malloc(10));
  memcpy(text, "contents!", 10);
  auto* longer = static_cast<char*>(realloc(text, 100000));
  CHECK(longer != nullptr && memcmp(longer, "contents!", 10) == 0);
  auto* shorter = static_cast<char*>(realloc(longer, 12));
  CHECK(shorter != nullptr && memcmp(shorter, "contents!", 10) == 0);
  free(shorter);
}

KERNEL_TEST("an allocation beyond the machine's memory fails and changes nothing") {
  const uint64_t before = frames().free_count();
  // Behind volatile: the compiler would take an unused allocation for a success.
  void* (*volatile allocate)(size_t) = malloc;
  void* (*volatile allocate_array)(size_t, size_t) = calloc;
  CHECK(allocate(uint64_t{1} << 45) == nullptr);
  CHECK(allocate(~size_t{0}) == nullptr);
  CHECK(allocate_array(uint64_t{1} << 33, uint64_t{1} << 33) == nullptr);
  CHECK(frames().free_count() == before);
}

KERNEL_TEST("memset, memcpy, memmove and memcmp agree with a byte by byte model at all small sizes and offsets") {
  unsigned char a[128];
  unsigned char b[128];
  uint32_t wrong = 0;
  for (size_t size = 0; size <= 40; ++size) {
    for (size_t from = 0; from <= 9; ++from) {
      for (size_t to = 0; to <= 9; ++to) {
        for (size_t i = 0; i < sizeof a; ++i) a[i] = b[i] = static_cast<unsigned char>(i * 7 + size);
        memmove(a + to, a + from, size);
        unsigned char copy[64];
        for (size_t i = 0; i < size; ++i) copy[i] = b[from + i];
        for (size_t i = 0; i < size; ++i) b[to + i] = copy[i];
        for (size_t i = 0; i < sizeof a; ++i) wrong += a[i] != b[i];
        memcpy(a + 48 + to, b + from, size);
        for (size_t i = 0; i < size; ++i) wrong += a[48 + to + i] != b[from + i];
        wrong += memcmp(a + 48 + to, b + from, size) != 0;
        memset(a + to, 0xa5, size);
        for (size_t i = 0; i < size; ++i) wrong += a[to + i] != 0xa5;
        if (size != 0) wrong += memcmp(a + to, "", 1) <= 0;
      }
    }
  }
  CHECK(wrong == 0);
}

KERNEL_TEST("a reservation faults until it is backed, reads zero then, and faults again when dropped") {
  constexpr uint64_t kReservation = uint64_t{6} << 30;
  const uint64_t free_before = frames().free_count();
  const auto base = guest_reservations().reserve(kReservation);
  CHECK(base.has_value());
  CHECK(faults(*base));
  CHECK(faults(*base + kReservation - 1));
  CHECK(back_with_memory(*base, 64 << 10));
  CHECK(!faults(*base));
  CHECK(!faults(*base + (64 << 10) - 1));
  CHECK(faults(*base + (64 << 10)));
  auto* bytes = reinterpret_cast<volatile unsigned char*>(*base);
  CHECK(bytes[5] == 0);
  bytes[5] = 9;
  drop_memory(*base, 64 << 10);
  CHECK(faults(*base + 5));
  CHECK(back_with_memory(*base, 4096));
  CHECK(bytes[5] == 0);
  drop_memory(*base, kReservation);
  CHECK(guest_reservations().release(*base, kReservation));
  CHECK(frames().free_count() == free_before); // the tables are given back, too
}

KERNEL_TEST("a page table says when it has no memory, and gives back what it took") {
  constexpr uint64_t kAddress = uint64_t{5} << 30, kPhysical = 0x200000;
  frames_left = frames_taken = 0;
  CHECK(!arch::PageTable::create(kCountedFrames).has_value());
  frames_left = 2; // the top table, and one of three that the page needs below
  auto table = arch::PageTable::create(kCountedFrames);
  CHECK(table.has_value());
  if (!table) return;
  CHECK(table->map(kAddress, kPhysical, 4096, arch::Access::read) == arch::MapResult::no_memory);
  frames_left = 2;
  CHECK(table->map(kAddress, kPhysical, 4096, arch::Access::read) == arch::MapResult::mapped);
  CHECK(table->map(kAddress, kPhysical, 4096, arch::Access::read) == arch::MapResult::occupied);
  CHECK(table->translate(kAddress + 5) == kPhysical + 5);
  CHECK(table->next_mapped(0, kAddress + 4096) == kAddress);
  CHECK(table->unmap_page(kAddress) == kPhysical);
  CHECK(!table->unmap_page(kAddress).has_value());
  CHECK(frames_taken == 4);
  table->release_tables(kAddress, 4096);
  CHECK(frames_taken == 1); // the top table, which nobody gives back
}

KERNEL_TEST("backing more than there is fails and keeps nothing") {
  const uint64_t size = (frames().free_count() + 1000) * kFrameSize;
  const auto base = guest_reservations().reserve(size);
  const uint64_t free_before = frames().free_count();
  CHECK(!back_with_memory(*base, size));
  CHECK(frames().free_count() == free_before);
  CHECK(guest_reservations().release(*base, size));
}

KERNEL_TEST("a thousand reservations of 6 GiB fit") {
  std::vector<uint64_t> bases;
  for (int i = 0; i < 1000; ++i) {
    const auto base = guest_reservations().reserve(uint64_t{6} << 30);
    CHECK(base.has_value());
    if (!base) return;
    bases.push_back(*base);
  }
  for (const uint64_t base : bases) CHECK(guest_reservations().release(base, uint64_t{6} << 30));
}

KERNEL_TEST_ALONE("panic: a double free") {
  void* volatile object = malloc(100);
  void* volatile other = malloc(100);
  free(object);
  free(object);
  free(other);
}

KERNEL_TEST_ALONE("panic: a page is mapped twice") {
  const auto base = guest_reservations().reserve(4096);
  CHECK(back_with_memory(*base, 4096));
  (void)back_with_memory(*base, 4096);
}

KERNEL_TEST_ALONE("panic: a free of the middle of an object") {
  auto* volatile object = static_cast<char*>(malloc(100));
  free(object + 8);
}
