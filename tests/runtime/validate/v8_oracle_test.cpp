// Differential test: modules with a few bytes changed, judged by this validator and by V8.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/validate/validate.hpp"
#include "tests/runtime/validate/v8_judge.hpp"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>

using namespace runtime;

namespace {

std::vector<std::byte> mutate(std::vector<std::byte> module, std::mt19937& random) {
  static constexpr uint8_t kTelling[] = {0,    1,    2,    5,    0x0b, 0x1a, 0x20, 0x40, 0x41, 0x6f,
                                         0x70, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0xc0, 0xfc, 0xfd, 0xff};
  const auto pick = [&random](size_t bound) { return random() % bound; };
  for (size_t changes = 1 + pick(2); changes > 0 && module.size() > 9; --changes) {
    const size_t at = 8 + pick(module.size() - 8);
    const std::byte telling{kTelling[pick(std::size(kTelling))]};
    switch (pick(6)) {
    case 0:
    case 1: module[at] = telling; break;
    case 2: module[at] = std::byte{static_cast<uint8_t>(pick(256))}; break;
    case 3: module[at] = module[8 + pick(module.size() - 8)]; break;
    case 4: module.erase(module.begin() + static_cast<std::ptrdiff_t>(at)); break;
    default: module.insert(module.begin() + static_cast<std::ptrdiff_t>(at), telling);
    }
  }
  return module;
}

// What an older V8 refuses without being asked, because it has limits of its own or lacks a part of WebAssembly 3.0.
bool is_about_a_limit_or_feature(const std::string& reason) {
  for (const char* part : {"enable with",
                           "implementation limit",
                           "experimental",
                           "maximum",
                           "invalid value type",
                           "invalid opcode",
                           "Invalid opcode",
                           "invalid heap type",
                           "limits flags",
                           "memory index",
                           "multi-memory",
                           "memory instruction",
                           "expected 0",
                           "undefined memory",
                           "invalid memory limits",
                           "constant expression",
                           "out-of-order",
                           "unexpected section",
                           "unknown type form",
                           "Type index",
                           "invalid local type",
                           "tag",
                           "at most one memory",
                           "multiple memories",
                           "not imported",
                           "invalid numeric opcode",
                           "invalid block type",
                           "non-imported globals"})
    if (reason.find(part) != std::string::npos) return true;
  return false;
}

} // namespace

TEST_CASE("V8 accepts and refuses the same changed modules") {
  const std::filesystem::path suite = suite_folder();
  if (!std::filesystem::exists(suite / "block.wast") || !run("wast2json --version") || !run("node --version")) {
    std::cout << "comparison with V8 skipped: it needs node, wabt and the suites (KPKG_SUITES)" << std::endl;
    std::_Exit(77);
  }
  const ScratchFolder folder;
  std::vector<std::vector<std::byte>> seeds;
  for (const char* name :
       {"block", "br_if",       "call_indirect",  "conversions", "data0", "exports",     "func",
        "i64",   "if",          "imports",        "int_exprs",   "loop",  "memory_copy", "memory_grow",
        "nop",   "select",      "simd_lane",      "simd_load",   "stack", "switch",      "table_init",
        "traps", "unreachable", "unreached-valid"})
    run("cd '" + folder.path().string() + "' && wast2json --no-check '" + (suite / name).string() + ".wast' -o " +
        name + ".json");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (entry.path().extension() == ".wasm" && entry.file_size() < 6000) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) seeds.push_back(read_bytes(file));
  REQUIRE(seeds.size() > 300);

  constexpr size_t kModules = 20'000;
  std::mt19937 random{22};
  std::vector<std::vector<std::byte>> modules;
  while (modules.size() < kModules) modules.push_back(mutate(seeds[random() % seeds.size()], random));
  const std::vector<std::string> reasons = judge_by_v8(modules);
  REQUIRE(reasons.size() == modules.size());

  uint32_t accepted = 0, refused = 0, not_compared = 0;
  for (size_t i = 0; i < modules.size(); ++i) {
    const std::string& reason = reasons[i];
    TypeRegistry types;
    const auto decoded = decode_module(modules[i], types);
    const Result<void> valid = decoded ? validate_module(**decoded, types) : std::unexpected(decoded.error());
    if (reason == "ok") {
      // V8 takes references of the bottom type for numbers, and any element type in a segment without elements.
      const std::string ours = valid ? "" : valid.error().describe();
      if (ours.find("ref bottom") != std::string::npos || ours.find("malformed reference type") != std::string::npos) {
        ++not_compared;
        continue;
      }
      INFO(ours);
      CHECK(valid.has_value());
      ++accepted;
    } else if (valid && is_about_a_limit_or_feature(reason)) {
      ++not_compared;
    } else {
      INFO(reason);
      CHECK_FALSE(valid.has_value());
      ++refused;
    }
  }
  std::cout << "comparison with V8: " << accepted << " accepted and " << refused << " refused by both, " << not_compared
            << " not comparable" << std::endl;
  CHECK(accepted > kModules / 50);
  CHECK(not_compared < kModules / 50);
}
