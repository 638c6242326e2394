// Adding to, adding again to, and collecting a local store, beside nix-store --add, builtins.toFile and nix-store --gc.
#include "store/local/local_store.hpp"
#include "tests/bench/store_peer.hpp"
#include <sys/wait.h>

using namespace store;

namespace {

// In a process of its own, so that what it adds is garbage afterwards.
template <class Work> double measure_in_child(const Work& work) {
  const double begin = cpu_seconds(RUSAGE_CHILDREN);
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) std::abort();
  return cpu_seconds(RUSAGE_CHILDREN) - begin;
}

} // namespace

int main() {
  const BenchFolder folder;
  const std::filesystem::path root = folder / "ours";
  for (const auto& [name, tree] : {std::pair{std::string{"256MiB"}, folder.big_tree(256)},
                                   {std::string{"20k-files"}, folder.many_files(20'000)}}) {
    const auto add = [&] { LocalStore{root}.add_source(tree, "tree"); };
    const std::string nix_add = "nix-store --add " + tree.string();
    report(("store-add-" + name).c_str(), measure_in_child(add), folder.nix(nix_add));
    report(("store-add-again-" + name).c_str(), measure_in_child(add), folder.nix(nix_add));
  }
  report("store-add-5k-texts", measure_in_child([&] {
           LocalStore store{root};
           for (int i = 0; i < 5000; ++i) store.add_text("text-" + std::to_string(i), std::to_string(i));
         }),
         folder.nix("nix-instantiate --eval --strict --read-write-mode -E "
                    "'builtins.genList (i: builtins.toFile \"text-${toString i}\" (toString i)) 5000'"));
  report("store-collect", measure_in_child([&] { LocalStore{root}.collect_garbage(); }), folder.nix("nix-store --gc"));
}
