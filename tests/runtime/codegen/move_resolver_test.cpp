// The order of parallel moves, against a model: a register file before and after.
#include "runtime/codegen/x86_64/emitter.hpp"
#include "runtime/codegen/x86_64/move_resolver.hpp"
#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <new>

#include <catch2/catch.hpp>

using namespace runtime::x86_64;

namespace {

constexpr Gpr kScratch = Gpr::r11;
struct Move {
  Gpr to, from;
};

std::vector<Move> resolved(const std::vector<Move>& wanted) {
  MoveResolver<Gpr> resolver;
  for (const Move& move : wanted) resolver.add(move.to, move.from);
  std::vector<Move> emitted;
  resolver.resolve(kScratch, [&](Gpr to, Gpr from) { emitted.push_back({to, from}); });
  return emitted;
}

using Registers = std::array<int, 16>;
void apply(Registers& registers, const Move& move) {
  registers[static_cast<size_t>(move.to)] = registers[static_cast<size_t>(move.from)];
}

// Runs the emitted moves one after the other; every target must hold what its source held, all others what they did.
void check(const std::vector<Move>& wanted, size_t expected_moves) {
  Registers before{}, expected{}, actual{};
  for (int i = 0; i < 16; ++i) before[static_cast<size_t>(i)] = i;
  expected = actual = before;
  for (const Move& move : wanted) expected[static_cast<size_t>(move.to)] = before[static_cast<size_t>(move.from)];
  const std::vector<Move> emitted = resolved(wanted);
  for (const Move& move : emitted) apply(actual, move);
  actual[static_cast<size_t>(kScratch)] = expected[static_cast<size_t>(kScratch)];
  CHECK(actual == expected);
  CHECK(emitted.size() == expected_moves);
}

TEST_CASE("moves of registers to themselves emit nothing") {
  check({}, 0);
  check({{Gpr::rax, Gpr::rax}, {Gpr::rcx, Gpr::rcx}}, 0);
}

TEST_CASE("a chain is moved from its end") {
  check({{Gpr::rcx, Gpr::rax}, {Gpr::rdx, Gpr::rcx}, {Gpr::rbx, Gpr::rdx}}, 3);
  check({{Gpr::rbx, Gpr::rdx}, {Gpr::rdx, Gpr::rcx}, {Gpr::rcx, Gpr::rax}}, 3);
}

TEST_CASE("one register goes to many") {
  check({{Gpr::rcx, Gpr::rax}, {Gpr::rdx, Gpr::rax}, {Gpr::rbx, Gpr::rax}, {Gpr::rax, Gpr::rsi}}, 4);
}

TEST_CASE("a cycle costs one move more") {
  check({{Gpr::rax, Gpr::rcx}, {Gpr::rcx, Gpr::rax}}, 3);
  check({{Gpr::rax, Gpr::rcx}, {Gpr::rcx, Gpr::rdx}, {Gpr::rdx, Gpr::rax}}, 4);
  check({{Gpr::rax, Gpr::rcx}, {Gpr::rcx, Gpr::rax}, {Gpr::rdx, Gpr::rbx}, {Gpr::rbx, Gpr::rdx}}, 6);
}

TEST_CASE("a cycle that others read is moved around first") {
  check({{Gpr::rax, Gpr::rcx}, {Gpr::rcx, Gpr::rax}, {Gpr::rdx, Gpr::rax}, {Gpr::rbx, Gpr::rcx}}, 5);
}

TEST_CASE("random parallel moves end as if they happened at once") {
  std::mt19937 random(1);
  std::vector<Gpr> registers;
  for (int i = 0; i < 16; ++i)
    if (static_cast<Gpr>(i) != kScratch) registers.push_back(static_cast<Gpr>(i));
  for (int round = 0; round < 20'000; ++round) {
    std::ranges::shuffle(registers, random);
    std::vector<Move> wanted;
    const size_t count = random() % (registers.size() + 1), sources = 1 + random() % registers.size();
    for (size_t i = 0; i < count; ++i) wanted.push_back({registers[i], registers[random() % sources]});
    Registers before{}, expected{}, actual{};
    for (int i = 0; i < 16; ++i) before[static_cast<size_t>(i)] = i;
    expected = actual = before;
    for (const Move& move : wanted) expected[static_cast<size_t>(move.to)] = before[static_cast<size_t>(move.from)];
    for (const Move& move : resolved(wanted)) apply(actual, move);
    actual[static_cast<size_t>(kScratch)] = expected[static_cast<size_t>(kScratch)];
    REQUIRE(actual == expected);
  }
}

TEST_CASE("all permutations of four registers") {
  std::array<int, 4> order = {0, 1, 2, 3};
  do {
    std::vector<Move> wanted;
    for (size_t i = 0; i < order.size(); ++i) wanted.push_back({static_cast<Gpr>(i), static_cast<Gpr>(order[i])});
    Registers actual{};
    for (int i = 0; i < 16; ++i) actual[static_cast<size_t>(i)] = i;
    for (const Move& move : resolved(wanted)) apply(actual, move);
    for (size_t i = 0; i < order.size(); ++i) REQUIRE(actual[i] == order[i]);
  } while (std::ranges::next_permutation(order).found);
}

} // namespace
