// How fast modules are decoded and validated: megabytes of function bodies a second of CPU time, against V8's
// WebAssembly.validate in node where that is installed. Argument: a module; without one a module is generated whose
// mix of instructions is about that of compiled C: a quarter local.get, a seventh constants, a tenth loads.
#include "runtime/validate/validate.hpp"
#include "tests/bench/node_peer.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

using namespace runtime;

namespace {

using Octets = std::vector<uint8_t>;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void leb128(Octets& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

void section(Octets& module, uint8_t id, const Octets& content) {
  module.push_back(id);
  leb128(module, content.size());
  module.insert(module.end(), content.begin(), content.end());
}

// Statements over eight i32 locals; every function has type (i32, i32) → i32.
class Generator {
public:
  explicit Generator(uint32_t functions) : functions_(functions) {}

  std::vector<std::byte> module() {
    Octets types = {1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f}, indices, bodies;
    leb128(indices, functions_);
    indices.insert(indices.end(), functions_, 0);
    leb128(bodies, functions_);
    for (uint32_t i = 0; i < functions_; ++i) {
      code_ = {1, 6, 0x7f};
      for (uint32_t statements = 4 + pick(24); statements > 0; --statements) statement(0);
      get_local();
      code_.push_back(0x0b);
      leb128(bodies, code_.size());
      bodies.insert(bodies.end(), code_.begin(), code_.end());
    }
    Octets module = {0, 'a', 's', 'm', 1, 0, 0, 0};
    section(module, 1, types);
    section(module, 3, indices);
    section(module, 5, {1, 0, 16});
    section(module, 6, {1, 0x7f, 1, 0x41, 0, 0x0b});
    section(module, 10, bodies);
    const auto view = std::as_bytes(std::span(module));
    return {view.begin(), view.end()};
  }

private:
  uint32_t pick(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  void get_local() { code_.insert(code_.end(), {0x20, static_cast<uint8_t>(pick(8))}); }
  void constant() {
    code_.push_back(0x41);
    const uint32_t value = pick(4) == 0 ? pick(1u << 20) : pick(64);
    Octets bytes;
    leb128(bytes, value);
    if ((bytes.back() & 0x40) != 0) { // the sign bit
      bytes.back() |= 0x80;
      bytes.push_back(0);
    }
    code_.insert(code_.end(), bytes.begin(), bytes.end());
  }
  void offset() { leb128(code_, pick(8) == 0 ? pick(1u << 16) : 4 * pick(24)); }
  void expression(uint32_t depth) {
    switch (depth > 3 ? pick(6) : pick(16)) {
    case 0:
    case 1:
    case 2: get_local(); return;
    case 3:
    case 4: constant(); return;
    case 5: code_.insert(code_.end(), {0x23, 0}); return;
    case 6:
    case 7:
    case 8:
      get_local();
      code_.insert(code_.end(), {0x28, 2});
      offset();
      return;
    case 9:
      expression(depth + 1);
      code_.insert(code_.end(), {0x2d, 0});
      offset();
      return;
    case 10:
      expression(depth + 1);
      code_.push_back(0x45);
      return;
    case 11:
      expression(depth + 1);
      expression(depth + 1);
      code_.push_back(0x10);
      leb128(code_, pick(functions_));
      return;
    default:
      expression(depth + 1);
      expression(depth + 1);
      code_.push_back(static_cast<uint8_t>(pick(3) == 0 ? 0x46 + pick(10) : 0x6a + pick(3)));
    }
  }
  void statement(uint32_t depth) {
    switch (depth > 3 ? pick(6) : pick(9)) {
    case 0:
    case 1:
    case 2:
      expression(0);
      code_.insert(code_.end(), {static_cast<uint8_t>(0x21 + pick(2)), static_cast<uint8_t>(pick(8))});
      if (code_[code_.size() - 2] == 0x22) code_.push_back(0x1a);
      return;
    case 3:
    case 4:
    case 5:
      get_local();
      expression(1);
      code_.insert(code_.end(), {0x36, 2});
      offset();
      return;
    case 6:
      expression(0);
      code_.insert(code_.end(), {0x04, 0x40});
      break;
    case 7: code_.insert(code_.end(), {0x03, 0x40}); break;
    default: code_.insert(code_.end(), {0x02, 0x40}); break;
    }
    for (uint32_t statements = 1 + pick(4); statements > 0; --statements) statement(depth + 1);
    if (pick(2) == 0) {
      expression(1);
      code_.push_back(0x0d);
      code_.push_back(static_cast<uint8_t>(pick(depth + 1)));
    }
    code_.push_back(0x0b);
  }

  uint32_t functions_;
  std::mt19937 random_{22};
  Octets code_;
};

// CPU milliseconds of V8 for the same module, or 0 where node is missing. V8 has no way to validate on one thread only,
// so the whole process is counted.
double v8_milliseconds(const std::string& path) {
  return measure_in_node("",
                         "const b=require(\"fs\").readFileSync(process.argv[1]);let best=1e9;for(let i=0;i<7;i++){"
                         "const a=process.cpuUsage();if(!WebAssembly.validate(b))process.exit(1);"
                         "const c=process.cpuUsage(a);best=Math.min(best,c.user+c.system)}console.log(best/1e3)",
                         path);
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::byte> bytes;
  std::string path = argc > 1 ? argv[1] : "";
  if (path.empty()) {
    bytes = Generator(20'000).module();
    path = (std::filesystem::temp_directory_path() / ("kpkg-validate-bench-" + std::to_string(std::random_device()())))
               .string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  } else {
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto view = std::as_bytes(std::span(text));
    bytes.assign(view.begin(), view.end());
  }

  double decode = 1e9, validate = 1e9;
  double code_mb = 0;
  for (int round = 0; round < 7; ++round) {
    TypeRegistry types;
    const double start = cpu_seconds();
    const auto module = decode_module(bytes, types);
    const double decoded = cpu_seconds();
    const Result<void> valid = module ? validate_module(**module, types) : std::unexpected(module.error());
    const double validated = cpu_seconds();
    if (!valid) {
      fprintf(stderr, "%s: %s\n", path.c_str(), valid.error().describe().c_str());
      return 1;
    }
    decode = std::min(decode, decoded - start);
    validate = std::min(validate, validated - decoded);
    code_mb = 0;
    for (const FunctionBody& body : (*module)->bodies) code_mb += 1e-6 * static_cast<double>(body.bytes.size());
  }
  const double v8 = v8_milliseconds(path);
  if (argc < 2) std::filesystem::remove(path);
  printf("validate.code %.1f MB\n", code_mb);
  printf("validate.decode %.2f ms\n", decode * 1e3);
  printf("validate.bodies %.0f MB/s\n", code_mb / validate);
  if (v8 > 0)
    printf("validate.whole %.2f ms %.2f times as fast as V8 (%.2f ms)\n", (decode + validate) * 1e3,
           v8 / ((decode + validate) * 1e3), v8);
  else
    printf("validate.whole %.2f ms (node is not installed)\n", (decode + validate) * 1e3);
  return 0;
}
