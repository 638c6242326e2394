// Random modules, executed by this engine and by V8 (node): every call gives the same bits or the same trap. Without
// node the test is visibly skipped.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/engine.hpp"
#include "tests/runtime/codegen/random_module.hpp"
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace runtime;
namespace fs = std::filesystem;

namespace {

constexpr uint32_t kModules = 24, kFunctions = 24;

struct Arguments {
  uint32_t a;
  uint64_t b;
  float c;
  double d;
};
constexpr Arguments kArguments[] = {{0, 0, 0, 0},
                                    {1, 0x8000'0000'0000'0000, -0.0f, 1e10},
                                    {0xffff'ffff, 0x1234'5678'9abc'def0, 3.5f, -2.5},
                                    {77, 3, 1e20f, 0.1}};

// Prints a line for every call: results as hexadecimal bits, or «trap MESSAGE». The global "fuel" is not exported: each
// call gets a fresh instance.
constexpr const char* kScript = R"(
const fs = require('fs');
const view = new DataView(new ArrayBuffer(8));
const f32 = x => { view.setFloat32(0, x); return view.getUint32(0).toString(16); };
const f64 = x => { view.setFloat64(0, x); return view.getBigUint64(0).toString(16); };
const args = [[0, 0n, 0, 0], [1, -(2n ** 63n), -0, 1e10], [-1, 0x123456789abcdef0n, 3.5, -2.5], [77, 3n, 1e20, 0.1]];
const kinds = [[/unreachable/, 'unreachable'], [/memory access/, 'memory'], [/divide by zero|remainder by zero/, 'zero'],
               [/unrepresentable/, 'number'],
               [/null function|signature mismatch/, 'null'], [/table index/, 'element']];
for (let m = 0; m < +process.argv[3]; ++m) {
  const module = new WebAssembly.Module(fs.readFileSync(process.argv[2] + '/' + m + '.wasm'));
  for (const name of WebAssembly.Module.exports(module).map(e => e.name)) for (const a of args) {
    let line;
    try {
      const r = new WebAssembly.Instance(module).exports[name](...a, ...a);
      line = [(r[0] >>> 0).toString(16), BigInt.asUintN(64, r[1]).toString(16), f32(r[2]), f64(r[3])].join(' ');
    } catch (e) {
      line = 'trap ' + (kinds.find(k => k[0].test(e.message)) || [0, e.message])[1];
    }
    console.log(m + ' ' + name + ' ' + line);
  }
}
)";

std::string trap_name(TrapCode code) {
  switch (code) {
  case TrapCode::unreachable: return "unreachable";
  case TrapCode::memory_out_of_bounds: return "memory";
  case TrapCode::integer_divide_by_zero: return "zero";
  case TrapCode::integer_overflow: // V8 does not tell these apart
  case TrapCode::invalid_conversion_to_integer: return "number";
  case TrapCode::uninitialized_element: return "null";
  case TrapCode::undefined_element: return "element";
  default: return trap_message(code);
  }
}

std::string hexadecimal(const std::vector<Value>& values) {
  char text[100];
  std::snprintf(text, sizeof text, "%x %llx %x %llx", static_cast<uint32_t>(values[0].bits[0]),
                static_cast<unsigned long long>(values[1].bits[0]), static_cast<uint32_t>(values[2].bits[0]),
                static_cast<unsigned long long>(values[3].bits[0]));
  return text;
}

std::string call(Store& store, const std::shared_ptr<const Module>& module, const std::string& name,
                 const Arguments& a) {
  const Result<Instance*> instance = store.instantiate(module, {});
  REQUIRE(instance.has_value());
  Func* func = std::get<Func*>(*(*instance)->find_export(name));
  const Value arguments[] = {Value::i32(a.a), Value::i64(a.b), Value::f32_bits(std::bit_cast<uint32_t>(a.c)),
                             Value::f64_bits(std::bit_cast<uint64_t>(a.d))};
  std::vector<Value> both(arguments, arguments + 4);
  both.insert(both.end(), arguments, arguments + 4);
  const Result<std::vector<Value>> results = store.call(*func, both);
  if (results) return hexadecimal(*results);
  return "trap " + trap_name(results.error().trap);
}

TEST_CASE("random programs compute the same bits and trap the same way as in V8") {
  if (std::system("node --version > /dev/null 2>&1") != 0) {
    std::puts("skipped: node is not installed");
    std::exit(77);
  }
  const char* seed_text = std::getenv("KPKG_DIFFERENTIAL_SEED");
  const uint32_t first_seed = seed_text == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(seed_text, nullptr, 10));
  std::string folder = (fs::temp_directory_path() / "kpkg-differential-XXXXXX").string();
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  std::vector<std::vector<std::byte>> modules;
  for (uint32_t m = 0; m < kModules; ++m) {
    modules.push_back(testing::RandomModule(first_seed + m, kFunctions).bytes());
    std::ofstream(fs::path(folder) / (std::to_string(m) + ".wasm"), std::ios::binary)
        .write(reinterpret_cast<const char*>(modules.back().data()),
               static_cast<std::streamsize>(modules.back().size()));
  }
  std::ofstream(fs::path(folder) / "run.js") << kScript;
  const std::string command = "cd '" + folder + "' && node run.js . " + std::to_string(kModules) + " > expected.txt";
  REQUIRE(std::system(command.c_str()) == 0);

  std::ifstream expected(fs::path(folder) / "expected.txt");
  uint32_t traps = 0, calls = 0;
  for (uint32_t m = 0; m < kModules; ++m) {
    Engine engine;
    const auto module = Module::compile(engine, modules[m]);
    if (!module) FAIL("module " << m << ": " << module.error().describe());
    for (uint32_t f = 0; f < kFunctions; ++f) {
      Store store(engine);
      for (const Arguments& arguments : kArguments) {
        std::string wanted;
        std::getline(expected, wanted);
        const std::string name = "f" + std::to_string(f);
        const std::string got = std::to_string(m) + " " + name + " " + call(store, *module, name, arguments);
        INFO("seed " << first_seed + m << ", arguments " << &arguments - kArguments);
        CHECK(got == wanted);
        ++calls;
        traps += wanted.find("trap") != std::string::npos;
      }
    }
  }
  // A generator that traps everywhere would test little.
  CHECK(traps < calls * 3 / 4);
  fs::remove_all(folder);
}

} // namespace
