// The baseline compiler's abstract operand stack, registers and operands: behaviour, and random use against a model
// that searches where the stack remembers.
#include "runtime/codegen/baseline/operand_stack.hpp"
#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <new>

#include <catch2/catch.hpp>

using namespace runtime;
using namespace runtime::baseline;

namespace {

constexpr uint32_t kNoEntry = OperandStack::kNoEntry;
constexpr uint32_t kLocals = 4;

// As many locals as the tests use, all i64.
OperandStack empty_stack() {
  OperandStack stack;
  stack.reset(kLocals);
  return stack;
}

std::vector<uint32_t> aliases(const OperandStack& stack, uint32_t local) {
  std::vector<uint32_t> found;
  for (uint32_t at = stack.newest_alias(local); at != kNoEntry; at = stack[at].older_alias()) found.push_back(at);
  return found;
}

TEST_CASE("an operand says what belongs to its place") {
  CHECK(Operand::gpr(ValKind::i32, Gpr::r9).gpr() == Gpr::r9);
  CHECK(Operand::xmm(ValKind::f64, Xmm::xmm3).xmm() == Xmm::xmm3);
  CHECK(Operand::constant(ValKind::i64, ~uint64_t{0}).bits() == ~uint64_t{0});
  CHECK(Operand::slot(ValKind::f32, 70'000).slot_index() == 70'000);
  CHECK(Operand::local(ValKind::i64, 49'999, 12).local_index() == 49'999);
  CHECK(Operand::local(ValKind::i64, 49'999, 12).older_alias() == 12);
  CHECK(Operand::flags(Test::float_ne).test() == Test::float_ne);
  CHECK(Operand::flags(Test::float_ne).type() == ValKind::i32);
  CHECK(Operand().is_constant());
  CHECK(Operand::local(ValKind::i64, 3).is_local(3));
  CHECK_FALSE(Operand::local(ValKind::i64, 3).is_local(2));
  CHECK_FALSE(Operand::slot(ValKind::i64, 3).is_local(3));
}

TEST_CASE("tests of the flags are negated in pairs") {
  CHECK(negate(Test::float_eq) == Test::float_ne);
  CHECK(negate(Test::float_ne) == Test::float_eq);
  CHECK(cond_of(negate(test_of(Cond::ae))) == Cond::b);
  CHECK_FALSE(is_cond(Test::float_eq));
  CHECK(is_cond(test_of(Cond::g)));
}

TEST_CASE("a register of the pool is taken and released; others never enter it") {
  RegisterPool<Gpr> pool;
  pool.reset({Gpr::rax, Gpr::rdx, Gpr::r10});
  CHECK(pool.taken().empty());
  CHECK(pool.free().lowest() == Gpr::rax);
  pool.take(Gpr::rax);
  CHECK_FALSE(pool.is_free(Gpr::rax));
  CHECK(pool.taken() == RegisterSet<Gpr>{Gpr::rax});
  CHECK(pool.free() == RegisterSet<Gpr>{Gpr::rdx, Gpr::r10});
  pool.release(Gpr::rax);
  pool.release(Gpr::rbx);
  CHECK(pool.is_temporary(Gpr::rax));
  CHECK_FALSE(pool.is_temporary(Gpr::rbx));
  CHECK(pool.free() == RegisterSet<Gpr>{Gpr::rax, Gpr::rdx, Gpr::r10});
}

TEST_CASE("a set of registers is walked from the lowest up") {
  std::vector<Xmm> walked;
  for (const Xmm reg : RegisterSet<Xmm>{Xmm::xmm14, Xmm::xmm0, Xmm::xmm7} - RegisterSet<Xmm>{Xmm::xmm0})
    walked.push_back(reg);
  CHECK(walked == std::vector{Xmm::xmm7, Xmm::xmm14});
  CHECK(RegisterSet<Xmm>::first(2) == RegisterSet<Xmm>{Xmm::xmm0, Xmm::xmm1});
}

TEST_CASE("a pushed register is owned by its entry until that is popped or stored") {
  OperandStack stack = empty_stack();
  stack.push(Operand::constant(ValKind::i32, 7));
  stack.push(Operand::gpr(ValKind::i32, Gpr::rcx));
  stack.push(Operand::xmm(ValKind::f32, Xmm::xmm1)); // the same number as rcx
  CHECK(stack.owner(Gpr::rcx) == 1);
  CHECK(stack.owner(Xmm::xmm1) == 2);
  CHECK(stack.pop().xmm() == Xmm::xmm1);
  CHECK(stack.owner(Xmm::xmm1) == kNoEntry);
  stack.set_slot(1);
  CHECK(stack.owner(Gpr::rcx) == kNoEntry);
  CHECK(stack.top().slot_index() == 1);
  CHECK(stack.top().type() == ValKind::i32);
}

TEST_CASE("the deepest owner among some registers is found, popped operands' apart") {
  OperandStack stack = empty_stack();
  stack.push(Operand::gpr(ValKind::i32, Gpr::rsi));
  stack.push(Operand::gpr(ValKind::i32, Gpr::rax));
  stack.push(Operand::gpr(ValKind::i32, Gpr::rdx));
  const Operand popped = stack.pop();
  CHECK(stack.deepest_owner(RegisterSet<Gpr>{Gpr::rax, Gpr::rdx, Gpr::rsi}) == 0);
  CHECK(stack.deepest_owner(RegisterSet<Gpr>{Gpr::rax, Gpr::rdx}) == 1);
  CHECK(stack.deepest_owner(RegisterSet<Gpr>{popped.gpr()}) == kNoEntry);
}

TEST_CASE("entries that are one local are chained, newest first") {
  OperandStack stack = empty_stack();
  stack.push_local(ValKind::i64, 2);
  stack.push_local(ValKind::i64, 1);
  stack.push_local(ValKind::i64, 2);
  CHECK(aliases(stack, 2) == std::vector<uint32_t>{2, 0});
  CHECK(aliases(stack, 1) == std::vector<uint32_t>{1});
  CHECK(aliases(stack, 0).empty());
  const Operand popped = stack.pop();
  CHECK(aliases(stack, 2) == std::vector<uint32_t>{0});
  stack.push(Operand::constant(ValKind::i32, 0));
  stack.push(popped); // linked anew, at its new height
  CHECK(aliases(stack, 2) == std::vector<uint32_t>{3, 0});
}

TEST_CASE("unsharing a local replaces each of its entries and no other") {
  OperandStack stack = empty_stack();
  stack.push_local(ValKind::i64, 2);
  stack.push_local(ValKind::i64, 1);
  stack.push_local(ValKind::i64, 2);
  std::vector<uint32_t> visited;
  stack.unshare(2, [&](uint32_t at, const Operand& alias) {
    CHECK(alias.is_local(2));
    visited.push_back(at);
    return at == 2 ? Operand::gpr(alias.type(), Gpr::rsi) : Operand::slot(alias.type(), at);
  });
  CHECK(visited == std::vector<uint32_t>{2, 0});
  CHECK(aliases(stack, 2).empty());
  CHECK(aliases(stack, 1) == std::vector<uint32_t>{1});
  CHECK(stack[0].slot_index() == 0);
  CHECK(stack.owner(Gpr::rsi) == 2);
}

TEST_CASE("settling stores what is neither slot nor constant, once") {
  OperandStack stack = empty_stack();
  stack.push_local(ValKind::i64, 0);
  stack.push(Operand::constant(ValKind::i32, 1));
  stack.push(Operand::gpr(ValKind::i32, Gpr::rax));
  stack.push_local(ValKind::i64, 0);
  std::vector<uint32_t> stored;
  const auto store = [&](uint32_t at, const Operand&) { stored.push_back(at); };
  stack.settle(store);
  CHECK(stored == std::vector<uint32_t>{0, 2, 3});
  CHECK(stack.settled() == 4);
  CHECK(stack.owner(Gpr::rax) == kNoEntry);
  CHECK(aliases(stack, 0).empty());
  stack.settle(store);
  CHECK(stored.size() == 3);
  (void)stack.pop();
  (void)stack.pop();
  stack.push(Operand::xmm(ValKind::f64, Xmm::xmm0));
  stack.settle(store);
  CHECK(stored == std::vector<uint32_t>{0, 2, 3, 2});
}

TEST_CASE("a stack begins anew for each function") {
  OperandStack stack = empty_stack();
  stack.push(Operand::gpr(ValKind::i32, Gpr::rax));
  stack.push_local(ValKind::i64, 3);
  stack.push(Operand::flags(test_of(Cond::e)));
  CHECK(stack.has_flags());
  stack.reset(kLocals);
  CHECK(stack.height() == 0);
  CHECK_FALSE(stack.has_flags());
  CHECK(stack.owner(Gpr::rax) == kNoEntry);
  CHECK(stack.newest_alias(3) == kNoEntry);
}

// --- random use ------------------------------------------------------------------------------------------------------

// A vector of entries, where all questions are answered by looking at each.
struct Model {
  struct Entry {
    Operand::Place place;
    uint64_t value; // register, bits, slot, local or test
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;

  [[nodiscard]] uint32_t find(Operand::Place place, uint64_t value) const {
    const auto found = std::ranges::find(entries, Entry{place, value});
    return found == entries.end() ? kNoEntry : static_cast<uint32_t>(found - entries.begin());
  }
  [[nodiscard]] std::vector<uint32_t> aliases(uint32_t local) const {
    std::vector<uint32_t> found;
    for (uint32_t i = static_cast<uint32_t>(entries.size()); i-- > 0;)
      if (entries[i] == Entry{Operand::Place::local, local}) found.push_back(i);
    return found;
  }
};

Model::Entry described(const Operand& operand) {
  using enum Operand::Place;
  switch (operand.place()) {
  case gpr: return {gpr, static_cast<uint64_t>(operand.gpr())};
  case xmm: return {xmm, static_cast<uint64_t>(operand.xmm())};
  case constant: return {constant, operand.bits()};
  case slot: return {slot, operand.slot_index()};
  case local: return {local, operand.local_index()};
  case flags: return {flags, static_cast<uint64_t>(operand.test())};
  }
  std::unreachable();
}

void require_same(const OperandStack& stack, const Model& model) {
  REQUIRE(stack.height() == model.entries.size());
  for (uint32_t i = 0; i < stack.height(); ++i) REQUIRE(described(stack[i]) == model.entries[i]);
  for (uint32_t reg = 0; reg < 16; ++reg) {
    REQUIRE(stack.owner(static_cast<Gpr>(reg)) == model.find(Operand::Place::gpr, reg));
    REQUIRE(stack.owner(static_cast<Xmm>(reg)) == model.find(Operand::Place::xmm, reg));
  }
  for (uint32_t local = 0; local < kLocals; ++local) REQUIRE(aliases(stack, local) == model.aliases(local));
  for (uint32_t i = 0; i < stack.settled(); ++i) REQUIRE((stack[i].is_slot() || stack[i].is_constant()));
  REQUIRE(stack.has_flags() == (!model.entries.empty() && model.entries.back().place == Operand::Place::flags));
}

// A register that no entry owns.
template <class Reg> std::optional<Reg> unowned(const OperandStack& stack, std::mt19937& random) {
  const auto first = static_cast<uint32_t>(random() % 16);
  for (uint32_t i = 0; i < 16; ++i)
    if (const auto reg = static_cast<Reg>((first + i) % 16); stack.owner(reg) == kNoEntry) return reg;
  return std::nullopt;
}

Operand random_operand(const OperandStack& stack, std::mt19937& random) {
  switch (random() % 6) {
  case 0:
    if (const auto reg = unowned<Gpr>(stack, random)) return Operand::gpr(ValKind::i64, *reg);
    [[fallthrough]];
  case 1:
    if (const auto reg = unowned<Xmm>(stack, random)) return Operand::xmm(ValKind::f64, *reg);
    [[fallthrough]];
  case 2: return Operand::slot(ValKind::i64, stack.height());
  case 3: return Operand::constant(ValKind::i64, random());
  case 4: return Operand::flags(test_of(static_cast<Cond>(random() % 16)));
  default: return Operand::local(ValKind::i64, static_cast<uint32_t>(random() % kLocals));
  }
}

TEST_CASE("random pushes, pops and moves leave owners and chains as a search finds them") {
  using enum Operand::Place;
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    OperandStack stack = empty_stack();
    Model model;
    for (int step = 0; step < 200; ++step) {
      const auto choice = random() % 16;
      const bool has_flags = stack.has_flags();
      if (has_flags || (choice < 5 && stack.height() > 0)) {
        CHECK(described(stack.pop()) == model.entries.back());
        model.entries.pop_back();
      } else if (choice < 13) {
        const Operand operand = random_operand(stack, random);
        stack.push(operand);
        model.entries.push_back(described(operand));
      } else if (choice == 13 && stack.height() > 0) {
        const auto at = static_cast<uint32_t>(random() % stack.height());
        if (stack[at].is_local()) continue;
        stack.set_slot(at);
        model.entries[at] = {slot, at};
      } else if (choice == 14) {
        const auto index = static_cast<uint32_t>(random() % kLocals);
        stack.unshare(index, [&](uint32_t at, const Operand& alias) {
          const auto reg = unowned<Gpr>(stack, random);
          const bool to_slot = !reg || random() % 2 == 0;
          const Operand moved = to_slot ? Operand::slot(alias.type(), at) : Operand::gpr(alias.type(), *reg);
          model.entries[at] = described(moved);
          return moved;
        });
      } else if (choice == 15 && random() % 8 == 0) {
        stack.settle([&](uint32_t at, const Operand& operand) {
          CHECK(described(operand) == model.entries[at]);
          CHECK((operand.is_gpr() || operand.is_xmm() || operand.is_local()));
          model.entries[at] = {slot, at};
        });
        CHECK(stack.settled() == stack.height());
      }
      require_same(stack, model);
    }
  }
}

} // namespace
