// Serialising and hashing file trees, beside nix-store --dump and nix hash path.
#include "tests/bench/store_peer.hpp"

using namespace store;

namespace {

void dump_to_nowhere(const std::filesystem::path& path) {
  const UniqueFd null{check_errno(::open("/dev/null", O_WRONLY | O_CLOEXEC), "open", "/dev/null")};
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    if (::write(null.get(), bytes.data(), bytes.size()) < 0) return std::unexpected(Error{ErrorCode::sink, "write"});
    return {};
  }};
  dump_path(path, writer);
  unwrap(writer.finish(), "NAR");
}

void measure_tree(const BenchFolder& folder, const std::string& name, const std::filesystem::path& tree) {
  report(("nar-dump-" + name).c_str(), measure([&] { dump_to_nowhere(tree); }),
         folder.nix("nix-store --dump " + tree.string()));
  report(("nar-hash-" + name).c_str(), measure([&] { (void)hash_path(tree); }),
         folder.nix("nix hash path " + tree.string()));
  std::vector<std::byte> nar;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    nar.insert(nar.end(), bytes.begin(), bytes.end());
    return {};
  }};
  dump_path(tree, writer);
  unwrap(writer.finish(), "NAR");
  report(("nar-check-" + name).c_str(), measure([&] { unwrap(check_nar(nar), "NAR"); }), -1);
  std::ofstream{folder / (name + ".nar"), std::ios::binary}.write(reinterpret_cast<const char*>(nar.data()),
                                                                  static_cast<std::streamsize>(nar.size()));
  const UniqueFd parent{
      check_errno(::open((folder / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", folder / "")};
  report(("nar-restore-" + name).c_str(), measure([&] {
           TreeWriter files{parent.get(), folder / "", "restored-" + name};
           unwrap(read_nar(nar, files), "NAR");
         }),
         folder.nix("nix-store --restore " + (folder / ("nix-restored-" + name)).string() + " <" +
                    (folder / (name + ".nar")).string()));
}

} // namespace

int main() {
  const BenchFolder folder;
  measure_tree(folder, "256MiB", folder.big_tree(256));
  measure_tree(folder, "20k-files", folder.many_files(20'000));
}
