// C programs, compiled by clang against wasi-libc when the test runs, as a user's would be. Skipped where either is
// missing.
#include "tests/runtime/wasi/wasi_guest.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

using namespace runtime;
using namespace runtime::testing;
namespace fs = std::filesystem;

namespace {

// A folder that ends with the test.
class Folder {
public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "kpkg-wasi-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

// Ends the whole file as skipped where a tool is missing.
void need_toolchain() {
  static const bool present =
      std::system("clang-22 --version >/dev/null 2>&1 && command -v wasm-ld-22 >/dev/null 2>&1") == 0 &&
      fs::exists("/usr/lib/wasm32-wasi/libc.a");
  if (present) return;
  std::cout << "skipped: clang-22, wasm-ld-22 or wasi-libc is missing" << std::endl;
  std::exit(77);
}

std::vector<std::byte> compile_c(const std::string& source, const std::string& flags = "-O1") {
  const Folder folder;
  std::ofstream(folder.path() / "p.c") << source;
  const std::string where = folder.path().string();
  const std::string command = "clang-22 --target=wasm32-wasi --sysroot=/usr " + flags + " -o " + where + "/p.wasm " +
                              where + "/p.c 2>" + where + "/log";
  if (std::system(command.c_str()) != 0) {
    std::ifstream log(folder.path() / "log");
    FAIL(command << "\n" << log.rdbuf());
  }
  std::ifstream file(folder.path() / "p.wasm", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

Result<uint32_t> run(WasiGuest& guest, const std::string& source, const std::string& flags = "-O1") {
  guest.define();
  Result<std::shared_ptr<const Module>> module = Module::compile(guest.engine, compile_c(source, flags), "p");
  if (!module) FAIL(module.error().describe());
  auto imports = guest.linker.resolve(**module);
  if (!imports) FAIL(imports.error().describe());
  Result<Instance*> instance = guest.store.instantiate(*module, *imports);
  if (!instance) FAIL(instance.error().describe());
  return run_command(guest.store, **instance);
}

} // namespace

TEST_CASE("hello, world") {
  need_toolchain();
  WasiGuest guest;
  CHECK(run(guest, R"(#include <stdio.h>
    int main(void) { printf("hello, %s %d %.3f\n", "world", 42, 2.5); return 0; })")
            .value() == 0);
  CHECK(guest.out == "hello, world 42 2.500\n");
}

TEST_CASE("a C program reads its input to the end and answers line by line") {
  need_toolchain();
  std::string input;
  for (int i = 0; i < 2000; ++i) input += "line " + std::to_string(i) + "\n";
  WasiGuest guest({"p"}, input);
  CHECK(run(guest, R"(#include <stdio.h>
    #include <string.h>
    int main(void) { char line[64]; int lines = 0; size_t bytes = 0;
      while (fgets(line, sizeof line, stdin)) { ++lines; bytes += strlen(line); }
      fprintf(stderr, "%d\n", feof(stdin)); printf("%d lines, %zu bytes\n", lines, bytes); return 0; })")
            .value() == 0);
  CHECK(guest.out == "2000 lines, " + std::to_string(input.size()) + " bytes\n");
  CHECK(guest.err == "1\n");
}

TEST_CASE("a C program sees its arguments and environment and chooses its exit status") {
  need_toolchain();
  WasiGuest guest({"p", "one", "two words"}, "", {{"HOME", "/nowhere"}});
  CHECK(run(guest, R"(#include <stdio.h>
    #include <stdlib.h>
    int main(int argc, char** argv) {
      for (int i = 0; i < argc; ++i) printf("[%s]", argv[i]);
      printf(" %s %d", getenv("HOME"), getenv("PATH") == NULL);
      exit(argc * 10); })")
            .value() == 30);
  CHECK(guest.out == "[p][one][two words] /nowhere 1"); // flushed by exit
}

TEST_CASE("main's value is the program's status") {
  need_toolchain();
  WasiGuest guest;
  CHECK(run(guest, "int main(void) { return 200; }").value() == 200);
}

TEST_CASE("abort is a trap whose backtrace names the C functions") {
  need_toolchain();
  WasiGuest guest;
  const auto result = run(guest, R"(#include <stdio.h>
    #include <stdlib.h>
    __attribute__((noinline)) void give_up(int n) { if (n > 0) abort(); puts("not reached"); }
    int main(int argc, char** argv) { give_up(argc); return 0; })",
                          "-O0 -g0");
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().trap == TrapCode::unreachable);
  CHECK(frames(result.error()).starts_with("abort@p < give_up@p < "));
  CHECK(result.error().describe().find("give_up") != std::string::npos);
}

TEST_CASE("a C program computes as it does natively") {
  need_toolchain();
  const std::string source = R"(#include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <math.h>
    static int compare(const void* a, const void* b) { double x = *(const double*)a, y = *(const double*)b; return (x > y) - (x < y); }
    static unsigned state = 12345; static unsigned next(void) { state = state * 1664525u + 1013904223u; return state; }
    int main(void) {
      enum { N = 5000 };
      double* v = malloc(N * sizeof *v);
      for (int i = 0; i < N; ++i) v[i] = sqrt((double)(next() % 100000)) - floor((double)next() / 65536.0) * 0.001;
      qsort(v, N, sizeof *v, compare);
      double sum = 0; for (int i = 0; i < N; i += 7) sum += v[i] * (i % 2 ? 1 : -1);
      unsigned long long hash = 14695981039346656037ull;
      for (int i = 0; i < N; ++i) { unsigned char b[8]; memcpy(b, v + i, 8); for (int k = 0; k < 8; ++k) hash = (hash ^ b[k]) * 1099511628211ull; }
      long long q = 0; for (int i = 1; i < 3000; ++i) q += (long long)(int)next() / i - (int)next() % i;
      printf("%.17g %llx %lld %.6f %d\n", sum, hash, q, pow(1.0001, 1234.5), (int)strtol("-777", NULL, 8));
      free(v); return 0; })";
  const Folder folder;
  std::ofstream(folder.path() / "p.c") << source;
  const std::string program = (folder.path() / "p").string();
  REQUIRE(std::system(("clang-22 -O1 -ffp-contract=off -o " + program + " " + program + ".c -lm").c_str()) == 0);
  FILE* pipe = popen(program.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char expected[256] = {};
  REQUIRE(fgets(expected, sizeof expected, pipe) != nullptr);
  pclose(pipe);
  for (const char* flags : {"-O0", "-O2", "-Oz"}) {
    WasiGuest guest;
    INFO(flags);
    CHECK(run(guest, source, flags).value() == 0);
    CHECK(guest.out == expected);
  }
}

TEST_CASE("a C program that recurses without end or writes through a wild pointer is stopped") {
  need_toolchain();
  WasiGuest wild;
  const auto stopped =
      run(wild, R"(int main(int argc, char** argv) { *(volatile int*)(0x7fffff00u + argc) = 1; return 0; })");
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().trap == TrapCode::memory_out_of_bounds);
  WasiGuest deep;
  const auto overflow = run(deep, R"(
    __attribute__((noinline)) long f(long n) { return n == -1 ? 0 : 1 + f(n + 1) * 3; }
    int main(int argc, char** argv) { return (int)f(argc); })",
                            "-O1");
  REQUIRE_FALSE(overflow.has_value());
}

TEST_CASE("a C program grows its memory by malloc until it is refused") {
  need_toolchain();
  WasiGuest guest;
  CHECK(run(guest, R"(#include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    int main(void) { size_t total = 0;
      for (int i = 0; i < 64; ++i) { char* p = malloc(1 << 20); if (!p) return 1; memset(p, i, 1 << 20); total += p[i]; }
      void* volatile too_much = malloc(0xfff00000u);
      printf("%zu %d\n", total, too_much == NULL); return 0; })")
            .value() == 0);
  CHECK(guest.out == "2016 1\n");
}
