// What a sandbox costs around a program that does nothing: its time over that of a bare spawn, beside bubblewrap's with
// the same mounts and namespaces. The clock is what a user waits for; the median of many runs, taken in turns.
#include "derivations/realise/sandbox.hpp"
#include "store/local/file_tree.hpp"
#include "store/posix/child_process.hpp"
#include "store/posix/system_error.hpp"
#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRuns = 101;
constexpr const char* kProgram = "/usr/bin/true";

double milliseconds_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void spawn(const fs::path& program, std::vector<std::string> arguments) {
  store::ChildProcess child{
      {.program = program, .arguments = std::move(arguments), .descriptors = {}, .environment = {}}};
  if (child.wait().exit_status != 0) throw store::UserError(program.string() + " failed");
}

void run_sandboxed() {
  std::string name = (fs::temp_directory_path() / "kpkg-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) store::throw_errno("create", name);
  realise::Sandbox sandbox{.folder = name,
                           .store = {},
                           .identity = realise::identity_for_slot(0),
                           .mounts = {{"/usr", "/usr", false}},
                           .symlinks = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}},
                           .working_folder = "/",
                           .program = kProgram};
  store::check_errno(::chown(name.c_str(), sandbox.identity.uid, sandbox.identity.gid), "give away", name);
  const auto outcome = realise::run_in_sandbox(sandbox, {}, [](std::string_view) {});
  store::remove_tree(name);
  if (outcome.kind != realise::RunOutcome::Kind::exited || outcome.status != 0)
    throw store::UserError("the sandbox failed: " + outcome.detail);
}

double median(std::vector<double>& times) {
  std::ranges::nth_element(times, times.begin() + static_cast<long>(times.size() / 2));
  return times[times.size() / 2];
}

} // namespace

int main() {
  const auto bwrap = store::find_program("bwrap");
  const std::vector<std::string> peer{"--unshare-user",
                                      "--unshare-pid",
                                      "--unshare-ipc",
                                      "--unshare-uts",
                                      "--unshare-net",
                                      "--unshare-cgroup-try",
                                      "--uid",
                                      "1000",
                                      "--gid",
                                      "100",
                                      "--cap-drop",
                                      "ALL",
                                      "--symlink",
                                      "usr/bin",
                                      "/bin",
                                      "--symlink",
                                      "usr/lib",
                                      "/lib",
                                      "--symlink",
                                      "usr/lib64",
                                      "/lib64",
                                      "--proc",
                                      "/proc",
                                      "--dev",
                                      "/dev",
                                      "--ro-bind",
                                      "/usr",
                                      "/usr",
                                      "--remount-ro",
                                      "/",
                                      "--die-with-parent",
                                      "--new-session",
                                      kProgram};
  std::vector<double> bare, ours, theirs;
  for (int i = 0; i < kRuns; ++i) {
    bare.push_back(milliseconds_of([] { spawn(kProgram, {}); }));
    ours.push_back(milliseconds_of(run_sandboxed));
    if (bwrap) theirs.push_back(milliseconds_of([&] { spawn(*bwrap, peer); }));
  }
  const double base = median(bare), over = median(ours) - base;
  std::printf("spawn-bare %.2f ms\n", base);
  if (bwrap)
    std::printf("sandbox-over-bare %.2f ms %.2f\n", over, over / (median(theirs) - base));
  else
    std::printf("sandbox-over-bare %.2f ms (no bwrap to compare with)\n", over);
}
