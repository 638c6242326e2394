#include <new>

#include <catch2/catch.hpp>

#include "kernel/memory/frames.hpp"
#include <random>
#include <vector>

using kernel::FrameBitmap;

namespace {
struct Machine {
  explicit Machine(uint64_t count) : storage(FrameBitmap::storage_words(count)), frames(storage, count) {}
  std::vector<uint64_t> storage;
  FrameBitmap frames;
};
} // namespace

TEST_CASE("frames that no range made free are never handed out") {
  Machine machine(1000);
  CHECK_FALSE(machine.frames.allocate());
  machine.frames.mark_free(990, 100); // beyond the end: ignored
  CHECK(machine.frames.free_count() == 10);
  for (uint64_t i = 0; i < 10; ++i) CHECK(machine.frames.allocate() == 990 + i);
  CHECK_FALSE(machine.frames.allocate());
}

TEST_CASE("a run of frames is contiguous, aligned, and not found where memory is fragmented") {
  Machine machine(512);
  machine.frames.mark_free(0, 512);
  for (uint64_t i = 3; i < 512; i += 8) machine.frames.mark_used(i, 1);
  CHECK(machine.frames.allocate(7) == 4);
  CHECK_FALSE(machine.frames.allocate(8));
  CHECK(machine.frames.allocate(2, 16) == 0);
  CHECK(machine.frames.allocate(2, 16) == 16);
}

TEST_CASE("a frame that is not in use cannot be released") {
  Machine machine(128);
  machine.frames.mark_free(0, 128);
  const auto run = machine.frames.allocate(4);
  REQUIRE(run);
  CHECK(machine.frames.release(*run + 1));
  CHECK_FALSE(machine.frames.release(*run, 4)); // one of them is free: nothing changes
  CHECK(machine.frames.in_use(*run));
  CHECK_FALSE(machine.frames.release(*run + 1));
  CHECK_FALSE(machine.frames.release(127, 2));
  CHECK_FALSE(machine.frames.release(~uint64_t{0}));
}

TEST_CASE("random allocation and release agree with a plain array of booleans") {
  std::mt19937_64 random(42);
  for (const uint64_t count : {1, 63, 64, 65, 4097, 20000}) {
    Machine machine(count);
    std::vector<bool> used(count, true);
    const auto range = [&] {
      const uint64_t first = random() % count;
      return std::pair{first, random() % (count - first) + 1};
    };
    const auto [free_first, free_count] = range();
    machine.frames.mark_free(free_first, free_count);
    for (uint64_t i = 0; i < free_count; ++i) used[free_first + i] = false;
    for (int step = 0; step < 300; ++step) {
      if (random() % 2 == 0) {
        const uint64_t wanted = random() % 3 == 0 ? random() % 100 + 1 : 1;
        const uint64_t alignment = uint64_t{1} << random() % 4;
        const auto run = machine.frames.allocate(wanted, alignment);
        // The model's lowest aligned free run.
        uint64_t expected = count;
        for (uint64_t at = 0; at + wanted <= count && expected == count; at += alignment) {
          bool free = true;
          for (uint64_t i = 0; i < wanted && free; ++i) free = !used[at + i];
          if (free) expected = at;
        }
        REQUIRE(run.value_or(count) == expected);
        if (run)
          for (uint64_t i = 0; i < wanted; ++i) used[*run + i] = true;
      } else {
        const uint64_t frame = random() % count;
        REQUIRE(machine.frames.release(frame) == used[frame]);
        used[frame] = false;
      }
    }
    uint64_t free = 0;
    for (uint64_t i = 0; i < count; ++i) {
      free += !used[i];
      REQUIRE(machine.frames.in_use(i) == used[i]);
    }
    CHECK(machine.frames.free_count() == free);
  }
}
