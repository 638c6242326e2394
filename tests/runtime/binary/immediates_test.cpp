#include <new>

#include <catch2/catch.hpp>

#include "runtime/binary/immediates.hpp"
#include <random>
#include <string>

using namespace runtime;

namespace {

constexpr Op kOps[] = {
#define OP(identifier, ...) Op::identifier,
#include "runtime/types/opcodes.def"
#undef OP
};

using Octets = std::vector<uint8_t>;

// Appends random immediates of one kind.
void write(Octets& out, Immediate kind, std::mt19937& random) {
  const auto byte = [&](uint32_t bound) { out.push_back(static_cast<uint8_t>(random() % bound)); };
  const auto leb128 = [&] { // a non-negative number below 2^31
    const uint32_t bits = random() % 31;
    uint32_t value = static_cast<uint32_t>(random()) & ((1u << bits) - 1);
    for (; value >= 0x40; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
    out.push_back(static_cast<uint8_t>(value));
  };
  const auto items = [&](auto item) {
    const uint32_t count = random() % 5;
    out.push_back(static_cast<uint8_t>(count));
    for (uint32_t i = 0; i < count; ++i) item();
  };
  if (is_u32(kind)) return leb128();
  switch (kind) {
  case Immediate::block_type:
    if (random() % 2 == 0) return leb128();
    if (random() % 2 == 0) return out.push_back(0x40);
    [[fallthrough]];
  case Immediate::heap_type: out.push_back(kind == Immediate::heap_type ? 0x70 : 0x7f); return;
  case Immediate::labels: items(leb128); return leb128();
  case Immediate::value_types:
    return items([&] {
      if (random() % 2 == 0)
        out.insert(out.end(), {0x63, 0x6e});
      else
        out.push_back(0x7e);
    });
  case Immediate::catches:
    return items([&] {
      byte(4);
      if (out.back() < 2) leb128();
      leb128();
    });
  case Immediate::memarg: {
    const bool has_memory = random() % 2 == 0;
    out.push_back(static_cast<uint8_t>(random() % 5 | (has_memory ? 0x40 : 0)));
    if (has_memory) leb128();
    return leb128();
  }
  case Immediate::cast_flags: return byte(4);
  case Immediate::zero: return out.push_back(0);
  case Immediate::lane: return byte(256);
  case Immediate::i32:
  case Immediate::i64: return leb128();
  case Immediate::f32:
  case Immediate::f64:
  case Immediate::v128:
  case Immediate::lanes: {
    const int size = kind == Immediate::f32 ? 4 : kind == Immediate::f64 ? 8 : 16;
    for (int i = 0; i < size; ++i) byte(256);
    return;
  }
  default: FAIL("no such kind");
  }
}

Octets random_immediates(const OpInfo& info, std::mt19937& random) {
  Octets octets;
  for (const Immediate kind : info.immediates)
    if (kind != Immediate::none) write(octets, kind, random);
  return octets;
}

Reader reader_of(std::span<const uint8_t> octets) { return {std::as_bytes(octets), 100, "unexpected end"}; }

bool is_read_here(const OpInfo& info) {
  return info.immediates[0] == Immediate::none || has_fixed_size(info.immediates[0]);
}

} // namespace

TEST_CASE("skipping and reading take the same bytes of any instruction's immediates") {
  std::mt19937 random{7};
  for (const Op op : kOps) {
    const OpInfo& info = op_info(op);
    INFO(info.text);
    for (int round = 0; round < 50; ++round) {
      const Octets octets = random_immediates(info, random);
      Reader skipping = reader_of(octets);
      skip_immediates(skipping, info);
      CHECK_FALSE(skipping.failed());
      CHECK(skipping.at_end());
      if (!is_read_here(info)) continue;
      Reader reading = reader_of(octets);
      Immediates immediates;
      read_immediates(reading, info, {}, immediates);
      CHECK_FALSE(reading.failed());
      CHECK(reading.at_end());
    }
  }
}

TEST_CASE("truncated immediates fail where the bytes end, skipped or read") {
  std::mt19937 random{8};
  for (const Op op : kOps) {
    const OpInfo& info = op_info(op);
    if (!is_read_here(info)) continue;
    INFO(info.text);
    Octets octets = random_immediates(info, random);
    while (!octets.empty()) {
      octets.pop_back();
      Reader skipping = reader_of(octets), reading = reader_of(octets);
      Immediates immediates;
      skip_immediates(skipping, info);
      read_immediates(reading, info, {}, immediates);
      REQUIRE(skipping.failed());
      REQUIRE(reading.failed());
      CHECK(reading.error().message == std::string("unexpected end"));
      CHECK(reading.error().offset <= 100 + octets.size());
      CHECK(reading.error().offset == skipping.error().offset);
    }
  }
}

TEST_CASE("immediates stand at their places") {
  Immediates immediates;
  Reader memarg = reader_of(Octets{});
  const Octets lane_load = {0x42, 3, 0x90, 1, 5};
  memarg = reader_of(lane_load);
  read_immediates(memarg, op_info(Op::v128_load32_lane), {}, immediates);
  CHECK(immediates.memarg.align_log2 == 2);
  CHECK(immediates.memarg.memory == 3);
  CHECK(immediates.memarg.offset == 0x90);
  CHECK(immediates.index(1) == 5);
}

TEST_CASE("flags and bytes that are reserved are malformed") {
  Immediates immediates;
  const Octets four = {4, 0, 0x70, 0x70}, fence = {1}, flags = {0x80, 1, 0};
  for (const auto& [op, octets] : {std::pair{Op::br_on_cast, four}, {Op::atomic_fence, fence}, {Op::i32_load, flags}}) {
    Reader reader = reader_of(octets);
    read_immediates(reader, op_info(op), {}, immediates);
    CHECK(reader.failed());
  }
}
