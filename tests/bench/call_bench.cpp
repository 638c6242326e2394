// What a call costs, in each direction, and fib(30); node runs the same module with V8's baseline compiler and with its
// default tiers. CPU time of this thread, minimum of seven; ratios are ours to theirs (below 1: we are faster).
#include "runtime/engine.hpp"
#include "runtime/text/text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <unistd.h>

using namespace runtime;

namespace {

constexpr const char* kModule = R"((module
  (import "env" "host" (func $host (param i32) (result i32)))
  (import "env" "other" (func $other (param i32) (result i32)))
  (table 1 funcref) (elem (i32.const 0) func $add)
  (type $unary (func (param i32) (result i32)))
  (func $add (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "empty_loop") (param $n i32) (result i32) (local $v i32)
    (loop $again
      (local.set $v (i32.add (local.get $v) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $v))
  (func (export "direct") (param $n i32) (result i32) (local $v i32)
    (loop $again
      (local.set $v (call $add (local.get $v)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $v))
  (func (export "indirect") (param $n i32) (result i32) (local $v i32)
    (loop $again
      (local.set $v (call_indirect (type $unary) (local.get $v) (i32.const 0)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $v))
  (func (export "imported") (param $n i32) (result i32) (local $v i32)
    (loop $again
      (local.set $v (call $other (local.get $v)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $v))
  (func (export "to_host") (param $n i32) (result i32) (local $v i32)
    (loop $again
      (local.set $v (call $host (local.get $v)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $v))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (memory 1)
  (func (export "vector_integers") (param $n i32) (result i32) (local $i i32) (local $at i32) (local $sum v128)
    (loop $again
      (local.set $at (i32.and (i32.shl (local.get $i) (i32.const 4)) (i32.const 0x3ff0)))
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.mul (v128.load (local.get $at)) (local.get $sum))))
      (v128.store offset=0x4000 (local.get $at)
        (i32x4.max_s (i32x4.shr_s (local.get $sum) (i32.const 3)) (v128.load (local.get $at))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $i))
  (func (export "vector_floats") (param $n i32) (result i32) (local $i i32) (local $at i32) (local $x v128) (local $y v128)
    (loop $again
      (local.set $at (i32.and (i32.shl (local.get $i) (i32.const 4)) (i32.const 0x3ff0)))
      (local.set $x (f32x4.add (f32x4.mul (local.get $x) (v128.load (local.get $at))) (f32x4.splat (f32.const 0.5))))
      (local.set $y (f32x4.min (f32x4.sqrt (local.get $x)) (f32x4.abs (local.get $y))))
      (v128.store offset=0x4000 (local.get $at) (local.get $y))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $i))
  (func (export "vector_bytes") (param $n i32) (result i32) (local $i i32) (local $at i32) (local $found i32) (local $x v128)
    (loop $again
      (local.set $at (i32.and (i32.shl (local.get $i) (i32.const 4)) (i32.const 0x3ff0)))
      (local.set $x (v128.load (local.get $at)))
      (local.set $found (i32.add (local.get $found) (i32.add
        (i8x16.bitmask (i8x16.eq (local.get $x) (i8x16.splat (i32.const 10))))
        (i8x16.bitmask (i8x16.gt_u (i8x16.swizzle (local.get $x) (local.get $x)) (i8x16.splat (i32.const 4)))))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.store (i32.const 0x8000) (local.get $found))
    (local.get $i))
)
)";
constexpr const char* kOther =
    R"((module (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))))";
constexpr uint32_t kCalls = 1'000'000;

constexpr const char* kScript = R"(
const [main, other] = ['main.wasm', 'other.wasm'].map(f => new WebAssembly.Module(require('fs').readFileSync(f)));
const lib = new WebAssembly.Instance(other, {});
const { exports: guest } = new WebAssembly.Instance(main, { env: { host: x => (x + 1) | 0, other: lib.exports.add } });
const N = 1000000;
const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) * 1000; };
const best = f => { let b = Infinity; for (let i = 0; i < 7; ++i) { const t = cpu(); f(); b = Math.min(b, cpu() - t); } return b; };
for (const name of ['empty_loop', 'direct', 'indirect', 'imported', 'to_host', 'vector_integers', 'vector_floats', 'vector_bytes'])
  console.log(name, best(() => guest[name](N)) / N);
console.log('from_host', best(() => { let v = 0; for (let i = 0; i < N; ++i) v = guest.add(v); return v; }) / N);
console.log('fib', best(() => guest.fib(30)));
)";

double cpu_ns() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double best_ns(const std::function<void()>& body) {
  double best = 1e18;
  for (int i = 0; i < 7; ++i) {
    const double begin = cpu_ns();
    body();
    best = std::min(best, cpu_ns() - begin);
  }
  return best;
}

template <class T> T must(Result<T> result) {
  if (!result) {
    std::cerr << result.error().describe() << "\n";
    std::exit(1);
  }
  return std::move(*result);
}

std::map<std::string, double> run_node(const std::string& flags, const std::string& folder) {
  std::map<std::string, double> values;
  const std::string command = "node " + flags + " " + folder + "/bench.cjs 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return values;
  char line[128];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::istringstream text(line);
    std::string name;
    double value = 0;
    if (text >> name >> value) values[name] = value;
  }
  pclose(pipe);
  return values;
}

} // namespace

int main() {
  const std::vector<std::byte> wasm = must(parse_wat(kModule)), other_wasm = must(parse_wat(kOther));
  std::string folder = "/tmp/kpkg-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const auto save = [&](const char* name, const std::vector<std::byte>& bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  save("main.wasm", wasm);
  save("other.wasm", other_wasm);
  std::ofstream(folder + "/bench.cjs") << "process.chdir('" << folder << "');\n" << kScript;
  const auto liftoff = run_node("--liftoff-only", folder), tiered = run_node("", folder);
  std::system(("rm -rf " + folder).c_str());
  if (liftoff.empty()) std::cout << "(node is missing or failed: no ratios)\n";

  Engine engine;
  Store store(engine);
  Linker linker;
  linker.define("env", "host",
                store.host_function({{ValKind::i32}, {ValKind::i32}}, [](HostCall& call) -> Result<void> {
                  call.values[0] = static_cast<uint32_t>(call.values[0]) + 1;
                  return {};
                }));
  const auto other = must(Module::compile(engine, other_wasm, "other"));
  Instance* library = must(store.instantiate(other, {}));
  linker.define("env", "other", *library->find_export("add"));
  const auto module = must(Module::compile(engine, wasm, "bench"));
  Instance* instance = must(store.instantiate(module, must(linker.resolve(*module))));
  const auto function = [&](const char* name) { return std::get<Func*>(*instance->find_export(name)); };

  const auto report = [&](const char* name, double value, const char* unit) {
    std::printf("call/%-18s %10.2f %s", name, value, unit);
    for (const auto& [peer, values] : {std::pair("liftoff", &liftoff), std::pair("v8", &tiered)})
      if (const auto found = values->find(name); found != values->end() && found->second > 0)
        std::printf("  %s %.2f ratio %.2f", peer, found->second, value / found->second);
    std::printf("\n");
  };
  const auto loop = [&](const char* name) {
    uint64_t values[1];
    const double ns = best_ns([&] {
      values[0] = kCalls;
      must(store.call_unchecked(*function(name), values).transform([] { return 0; }));
    });
    if (static_cast<uint32_t>(values[0]) != kCalls) std::exit(1);
    report(name, ns / kCalls, "ns");
  };
  for (const char* name :
       {"empty_loop", "direct", "indirect", "imported", "to_host", "vector_integers", "vector_floats", "vector_bytes"})
    loop(name);
  const Func& add = *function("add");
  report("from_host", best_ns([&] {
                        uint64_t value[1] = {0};
                        for (uint32_t i = 0; i < kCalls; ++i)
                          if (!store.call_unchecked(add, value)) std::exit(1);
                      }) / kCalls,
         "ns");
  report("from_host_checked", best_ns([&] {
                                Value value = Value::i32(0);
                                for (uint32_t i = 0; i < kCalls; ++i)
                                  value = store.call(*function("add"), {&value, 1})->front();
                              }) / kCalls,
         "ns");
  report("fib", best_ns([&] {
           uint64_t value[1] = {30};
           if (!store.call_unchecked(*function("fib"), value) || static_cast<uint32_t>(value[0]) != 832'040)
             std::exit(1);
         }),
         "ns");
  report("instantiate", best_ns([&] {
                          for (int i = 0; i < 100; ++i) {
                            Store fresh(engine);
                            if (!fresh.instantiate(other, {})) std::exit(1);
                          }
                        }) / 100,
         "ns");
}
