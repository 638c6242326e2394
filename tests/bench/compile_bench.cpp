// How fast the baseline compiler is: megabytes of function bodies validated and compiled a second of CPU time, against
// V8's baseline compiler (Liftoff, eager, no tier-up, one compilation thread) in node where that is installed. The
// module is wasi-libc as a whole, linked by clang; another one may be given as argument.
#include "runtime/binary/module.hpp"
#include "runtime/codegen/tier.hpp"
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
namespace fs = std::filesystem;

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// All of the C library in one module; false where clang or wasi-libc is missing.
bool link_libc(const fs::path& folder) {
  std::ofstream(folder / "main.c") << "int main(void) { return 0; }\n";
  const std::string command =
      "cd '" + folder.string() +
      "' && clang-22 --target=wasm32-wasi -O2 main.c -o libc.wasm -Wl,--no-gc-sections,--allow-undefined "
      "-Wl,--whole-archive -lc -Wl,--no-whole-archive 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

double v8_milliseconds(const std::string& path) {
  return measure_in_node("--liftoff-only --no-wasm-lazy-compilation --no-wasm-tier-up --wasm-num-compilation-tasks=1",
                         "const b=require(\"fs\").readFileSync(process.argv[1]);let best=1e9;for(let i=0;i<9;i++){"
                         "b[b.length-1]=i;" // another module each time: V8 caches compiled code by content
                         "const a=process.cpuUsage();new WebAssembly.Module(b);const c=process.cpuUsage(a);"
                         "best=Math.min(best,c.user+c.system)}console.log(best/1e3)",
                         path);
}

} // namespace

int main(int argc, char** argv) {
  const fs::path folder = fs::temp_directory_path() / ("kpkg-compile-bench-" + std::to_string(std::random_device()()));
  fs::create_directory(folder);
  const auto finish = [&](int status) {
    fs::remove_all(folder);
    return status;
  };
  if (argc < 2 && !link_libc(folder)) {
    std::puts("compile: skipped, clang-22 or wasi-libc is missing (or name a module)");
    return finish(77);
  }
  std::ifstream file(argc > 1 ? fs::path(argv[1]) : folder / "libc.wasm", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // A custom section at the end («x», one byte) that the V8 side may change.
  text += std::string("\0\3\1x\0", 5);
  const std::string path = (folder / "module.wasm").string();
  std::ofstream(path, std::ios::binary) << text;
  const auto view = std::as_bytes(std::span(text));
  const std::vector<std::byte> bytes(view.begin(), view.end());

  double decode = 1e9, validate = 1e9, compile = 1e9, code_mb = 0, machine_mb = 0;
  for (int round = 0; round < 9; ++round) {
    TypeRegistry types;
    const double start = cpu_seconds();
    const auto module = decode_module(bytes, types);
    if (!module) {
      std::fprintf(stderr, "%s\n", module.error().describe().c_str());
      return finish(1);
    }
    const double decoded = cpu_seconds();
    const auto valid = validate_module(**module, types);
    const double validated = cpu_seconds();
    const auto code = baseline_tier().compile(**module, types, {});
    const double compiled = cpu_seconds();
    if (!valid || !code) {
      std::fprintf(stderr, "%s\n", (valid ? code.error() : valid.error()).describe().c_str());
      return finish(1);
    }
    decode = std::min(decode, decoded - start);
    validate = std::min(validate, validated - decoded);
    compile = std::min(compile, compiled - validated);
    machine_mb = 1e-6 * static_cast<double>(code->code.size());
    code_mb = 0;
    for (const FunctionBody& body : (*module)->bodies) code_mb += 1e-6 * static_cast<double>(body.bytes.size());
  }
  const double v8 = v8_milliseconds(path);
  std::printf("compile.code %.2f MB\n", code_mb);
  std::printf("compile.machine_code %.2f MB\n", machine_mb);
  std::printf("compile.validation_alone %.2f ms\n", validate * 1e3);
  std::printf("compile.bodies %.1f MB/s\n", code_mb / compile);
  const double whole = (decode + compile) * 1e3;
  if (v8 > 0)
    std::printf("compile.whole %.2f ms %.2f times as fast as Liftoff (%.2f ms)\n", whole, v8 / whole, v8);
  else
    std::printf("compile.whole %.2f ms (node is not installed)\n", whole);
  return finish(0);
}
