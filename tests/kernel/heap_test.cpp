#include <new>

#include <catch2/catch.hpp>

#include "kernel/memory/heap.hpp"
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace kernel;

namespace {

struct Machine {
  explicit Machine(uint64_t count)
      : memory(static_cast<std::byte*>(std::aligned_alloc(kFrameSize, count * kFrameSize)), std::free),
        storage(FrameBitmap::storage_words(count)), frames(storage, count) {
    frames.mark_free(0, count);
    REQUIRE(heap.set_up(frames, memory.get()));
  }
  std::unique_ptr<std::byte, void (*)(void*)> memory;
  std::vector<uint64_t> storage;
  FrameBitmap frames;
  Heap heap;
};

} // namespace

TEST_CASE("objects never overlap, keep their alignment, and all memory comes back") {
  Machine machine(4096);
  const uint64_t free_before = machine.frames.free_count();
  std::mt19937_64 random(7);
  std::map<std::byte*, std::pair<size_t, unsigned char>> live;
  for (int step = 0; step < 20000; ++step) {
    if (live.empty() || (random() % 5 < 3 && live.size() < 2000)) {
      const size_t size = random() % 30 == 0 ? random() % 40000 : random() % 600;
      const size_t alignment = size_t{16} << random() % 10;
      auto* object = static_cast<std::byte*>(machine.heap.allocate(size, alignment));
      if (!object) continue; // full
      REQUIRE(reinterpret_cast<uintptr_t>(object) % (alignment < 4096 ? alignment : 4096) == 0);
      REQUIRE(machine.heap.usable_size(object) >= size);
      const auto next = live.lower_bound(object);
      if (next != live.end()) REQUIRE(object + size <= next->first);
      if (next != live.begin()) REQUIRE(std::prev(next)->first + std::prev(next)->second.first <= object);
      const auto pattern = static_cast<unsigned char>(step);
      std::memset(object, pattern, size);
      live.emplace(object, std::pair{size, pattern});
    } else {
      auto it = live.begin();
      std::advance(it, static_cast<long>(random() % live.size()));
      const auto [size, pattern] = it->second;
      size_t damaged = 0;
      for (size_t i = 0; i < size; ++i) damaged += static_cast<unsigned char>(it->first[i]) != pattern;
      REQUIRE(damaged == 0);
      REQUIRE(machine.heap.release(it->first) == nullptr);
      live.erase(it);
    }
  }
  for (const auto& [object, rest] : live) REQUIRE(machine.heap.release(object) == nullptr);
  CHECK(machine.heap.statistics().live_objects == 0);
  CHECK(machine.heap.statistics().live_bytes == 0);
  // One empty slab of each class may stay.
  CHECK(free_before - machine.frames.free_count() <= 28 * 4);
  CHECK(free_before - machine.frames.free_count() == machine.heap.statistics().frames);
}

TEST_CASE("every wrong release is told apart and changes nothing") {
  Machine machine(256);
  auto* small = static_cast<std::byte*>(machine.heap.allocate(100));
  auto* large = static_cast<std::byte*>(machine.heap.allocate(10000));
  int on_stack = 0;
  CHECK(std::string(machine.heap.release(small + 8)).find("not the start") != std::string::npos);
  CHECK(std::string(machine.heap.release(large + 8)).find("not the start") != std::string::npos);
  CHECK(std::string(machine.heap.release(large + 4096)).find("not the start") != std::string::npos);
  CHECK(machine.heap.release(&on_stack) != nullptr);
  CHECK(machine.heap.release(small) == nullptr);
  CHECK(std::string(machine.heap.release(small)).find("double free") != std::string::npos);
  CHECK(machine.heap.release(large) == nullptr);
  CHECK(std::string(machine.heap.release(large)).find("double free") != std::string::npos);
  CHECK(machine.heap.release(nullptr) == nullptr);
}

TEST_CASE("exhaustion is a null pointer, and memory that comes back can be used again") {
  Machine machine(64);
  std::vector<void*> objects;
  while (void* object = machine.heap.allocate(1000)) objects.push_back(object);
  CHECK(objects.size() > 150);
  CHECK(machine.heap.allocate(100000) == nullptr);
  CHECK(machine.heap.allocate(~size_t{0}) == nullptr);
  for (void* object : objects) REQUIRE(machine.heap.release(object) == nullptr);
  CHECK(machine.heap.allocate(100000) != nullptr);
}
