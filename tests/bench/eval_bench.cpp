// The evaluator against a stock nix: the same files, each in a process of its own; processor time (user and system,
// best of three) and peak memory, start-up included for both. `ratio` is nix's time over ours.
#include "derivations/lang/evaluator.hpp"
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Cost {
  double cpu_s = 1e9;
  double peak_mib = 0;
  bool good = false;
};

Cost run(const std::function<void()>& child) {
  Cost best;
  for (int i = 0; i < 3; ++i) {
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
      child();
      _exit(0);
    }
    int status = 0;
    rusage usage{};
    wait4(pid, &status, 0, &usage);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {};
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    const double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    if (cpu < best.cpu_s) best = {cpu, static_cast<double>(usage.ru_maxrss) / 1024, true};
  }
  return best;
}

struct Work {
  const char* name;
  std::string text;
};

// A file of many small packages, as generated code looks: sets, functions, strings, lists.
std::string large_file() {
  std::string text = "{ lib ? null }: {\n";
  for (int i = 0; i < 40000; ++i) {
    const std::string n = std::to_string(i);
    text += "  \"package-" + n + "\" = { stdenv, fetch ? x: x, version ? \"1." + n +
            "\", ... }@args: stdenv.make {\n    pname = \"p" + n +
            "\";\n    inherit version;\n    src = fetch { url = \"https://example.org/${version}/p" + n +
            ".tar.gz\"; };\n    deps = [ args.a args.b (if version == \"2\" then args.c else null) ];\n  };\n";
  }
  return text + "}\n";
}

std::vector<Work> works() {
  return {
      {"start", "1"},
      {"fib27", "let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib 27"},
      {"lists", "let b = builtins; l = b.genList (x: x) 1000000; in b.foldl' b.add 0 (b.filter (x: x > 10) (map (x: x "
                "* 2) l)) + "
                "b.length (b.sort (a: c: a < c) (map (x: 1000003 * x - (1000003 * x / 65537) * 65537) (b.genList (x: "
                "x) 50000)))"},
      {"attrs",
       "let b = builtins; s = b.listToAttrs (b.genList (i: { name = \"attribute${toString i}\"; value = i; }) 100000); "
       "t = b.mapAttrs (n: v: v + 1) s; u = s // t // { x = 1; }; "
       "i = b.intersectAttrs s u; r = b.removeAttrs u (b.attrNames i); in "
       "[ (b.foldl' (a: n: a + u.${n}) 0 (b.attrNames s)) (b.attrNames r) (b.length (b.attrValues i)) ]"},
      {"strings",
       "let b = builtins; lines = b.genList (i: \"line ${toString i} of the text\") 100000; t = b.concatStringsSep "
       "\"\\n\" lines; "
       "in [ (b.stringLength (b.replaceStrings [ \"line\" \"text\" ] [ \"row\" \"table\" ] t)) (b.hashString "
       "\"sha256\" t) "
       "(b.length (b.split \"\\n\" t)) (b.length (b.filter (l: b.match \"line ([0-9]+)7 .*\" l != null) lines)) ]"},
      {"json", "let b = builtins; v = b.genList (i: { id = i; name = \"n${toString i}\"; tags = [ \"a\" \"b\" true "
               "null ]; }) 50000; "
               "in b.length (b.fromJSON (b.toJSON v))"},
      {"fixpoint",
       "let b = builtins; fix = f: let x = f x; in x; extends = o: f: self: let s = f self; in s // o self s; "
       "base = self: b.listToAttrs (b.genList (i: { name = \"p${toString i}\"; value = i; }) 20000); "
       "over = k: self: super: { \"p${toString k}\" = super.\"p${toString k}\" + self.p1; }; "
       "all = b.foldl' (f: k: extends (over k) f) base (b.genList (k: k + 2) 30); s = fix all; "
       "in b.foldl' (a: n: a + s.${n}) 0 (b.attrNames s)"},
      {"parse", large_file()},
      {"derivations",
       "let b = builtins; drv = i: derivation { name = \"d${toString i}\"; system = \"s\"; builder = \"/b\"; args = [ "
       "\"-c\" \"x\" ]; "
       "deps = if i < 3 then [ ] else [ (b.elemAt all (i - 1)) (b.elemAt all (i - 2)) (b.elemAt all (i / 2)) ]; }; "
       "all = b.genList drv 2000; in (b.elemAt all 1999).outPath"},
  };
}

} // namespace

int main() {
  std::string name = (fs::temp_directory_path() / "kpkg-bench-XXXXXX").string();
  const fs::path folder = fs::canonical(mkdtemp(name.data()));
  for (const char* sub : {"store", "state", "log", "conf", "home"}) fs::create_directory(folder / sub);
  const bool nix = std::system("nix-instantiate --version >/dev/null 2>&1") == 0;
  if (!nix) std::printf("# no nix-instantiate on this machine: no ratios\n");
  const auto set = [&](const char* variable, const char* sub) { setenv(variable, (folder / sub).c_str(), 1); };
  set("NIX_STORE_DIR", "store");
  set("NIX_STATE_DIR", "state");
  set("NIX_LOG_DIR", "log");
  set("NIX_CONF_DIR", "conf");
  set("HOME", "home");
  setenv("NIX_REMOTE", "", 1);
  std::ofstream{folder / "conf/nix.conf"} << "build-users-group =\n";
  for (const Work& work : works()) {
    const fs::path file = folder / (std::string{work.name} + ".nix");
    std::ofstream{file} << work.text;
    const Cost ours = run([&] {
      lang::EvalOptions options;
      options.pure = false;
      options.store_dir = (folder / "store").string();
      auto* store = new lang::MemoryEvalStore{options.store_dir}; // the process ends at once: nothing is torn down
      auto* evaluator = new lang::Evaluator{*store, options};
      try {
        if (evaluator->print(evaluator->eval_file(file)).empty()) _exit(1);
      } catch (const lang::EvalError& error) {
        std::fputs(lang::render_error(error).c_str(), stderr);
        _exit(1);
      }
    });
    if (!ours.good) {
      std::printf("eval.%s failed\n", work.name);
      continue;
    }
    std::printf("eval.%s %.3f s", work.name, ours.cpu_s);
    if (nix) {
      const Cost theirs = run([&] {
        if (!std::freopen("/dev/null", "w", stdout)) _exit(127);
        execlp("nix-instantiate", "nix-instantiate", "--eval", "--strict", file.c_str(), nullptr);
        _exit(127);
      });
      if (theirs.good) std::printf(" %.2f", theirs.cpu_s / ours.cpu_s);
      std::printf("\neval.%s.memory %.0f MiB", work.name, ours.peak_mib);
      if (theirs.good) std::printf(" %.2f", theirs.peak_mib / ours.peak_mib);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return 0;
}
