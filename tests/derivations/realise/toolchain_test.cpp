// Captured toolchains: what is in them, that the same host gives the same path, what is said of missing pieces; and the
// ELF reader that finds their libraries.
#include "derivations/realise/elf_needed.hpp"
#include "derivations/realise/host_tree.hpp"
#include "store/posix/child_process.hpp"
#include "tests/derivations/realise/build_fixture.hpp"
#include <nlohmann/json.hpp>

using namespace realise;
using namespace realise::test;
using Catch::Contains;

namespace {
std::set<std::string> ldd_names(const std::string& program) { // the peer's answer: library file names
  std::istringstream lines{store::output_of("/usr/bin/ldd", {program})};
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find_first_not_of("\t ");
    if (const auto arrow = line.find(" => "); arrow != std::string::npos)
      names.insert(line.substr(begin, arrow - begin));
  }
  return names;
}
} // namespace

TEST_CASE("a captured program has its loader and exactly the libraries that ldd finds") {
  for (const char* program : {"/bin/sh", "/usr/bin/cp", "/usr/bin/sed"}) {
    HostTree tree;
    tree.add(program);
    std::set<std::string> names;
    bool loader = false;
    for (const std::string& file : tree.files()) {
      const fs::path path{file};
      loader |= path.filename() == "ld-linux-x86-64.so.2";
      if (path.filename().string().starts_with("lib") && path.string().contains(".so") &&
          path.string().contains("/x86_64-linux-gnu/"))
        names.insert(path.filename().string());
    }
    CHECK(loader);
    for (const std::string& name : ldd_names(program)) CHECK(names.contains(name));
  }
}

TEST_CASE("the ELF reader gives an answer or an error for every truncation of a program") {
  const std::string file = contents_of("/bin/cat");
  const auto whole = read_elf_needs(store::as_bytes(file), "cat");
  REQUIRE(whole);
  CHECK(whole->interpreter == "/lib64/ld-linux-x86-64.so.2");
  CHECK(whole->libraries == std::vector<std::string>{"libc.so.6"});
  CHECK_FALSE(read_elf_needs(store::as_bytes("#!/bin/sh\n"), "script"));
  size_t refused = 0;
  for (size_t size = 4; size < file.size(); size += 61) {
    const std::string part = file.substr(0, size); // a copy, so that the sanitizer sees the end
    try {
      static_cast<void>(read_elf_needs(store::as_bytes(part), "cat"));
    } catch (const store::UserError& error) {
      CHECK_THAT(error.what(), Contains("cat: the ELF file is damaged"));
      ++refused;
    }
  }
  CHECK(refused > 10);
}

TEST_CASE("host links are kept as links, and what they lead to is there, too") {
  TemporaryFolder folder;
  const fs::path base = fs::canonical(folder.path());
  fs::create_directories(base / "a/b");
  std::ofstream{base / "a/b/file"} << "x";
  fs::create_directory_symlink("a", base / "link");
  fs::create_symlink("../link/b/file", base / "a/other");
  HostTree tree;
  tree.add(base / "a/other");
  CHECK(tree.files() ==
        std::vector<std::string>{(base / "a/b/file").string(), (base / "a/other").string(), (base / "link").string()});
  fs::create_symlink("loop", base / "loop");
  CHECK_THROWS_WITH(tree.add(base / "loop"), Contains("too many symbolic links"));
  CHECK_THROWS_WITH(tree.add(base / "absent"), Contains("absent"));
}

TEST_CASE("importing twice gives the same path, one generation, and a root") {
  TemporaryFolder folder;
  store::LocalStore local{folder.path() / "root"};
  const auto first = import_toolchain(local, "shell");
  const auto second = import_toolchain(local, "shell");
  CHECK(first.path == second.path);
  CHECK(first.changed);
  CHECK_FALSE(second.changed);
  CHECK(local.generations("toolchain-shell").size() == 1);
  CHECK(find_toolchain(local, "shell") == first.path);
  CHECK(local.query(first.path)->is_self_certifying());
  store::LocalStore other{folder.path() / "other"};
  CHECK(import_toolchain(other, "shell").path == first.path);
  const auto description = nlohmann::json::parse(contents_of(local.physical(first.path) / "kpkg-toolchain.json"));
  CHECK(description["name"] == "shell");
  CHECK(description["files"].size() == first.file_count);
  CHECK(local.verify(true).empty());
  bool rooted = false;
  for (const auto& [why, path] : local.roots()) rooted |= path == first.path;
  CHECK(rooted);
}

TEST_CASE("missing pieces are named with their Debian packages") {
  TemporaryFolder folder;
  store::LocalStore local{folder.path() / "root"};
  Toolchain toolchain = shell_toolchain();
  toolchain.pieces.push_back({"/usr/bin/no-such-compiler", "imaginary-compiler"});
  toolchain.pieces.push_back({"/usr/lib/no-such-library", "imaginary-library"});
  try {
    import_toolchain(local, toolchain);
    FAIL("it was imported");
  } catch (const store::UserError& error) {
    CHECK_THAT(error.what(), Contains("/usr/bin/no-such-compiler (Debian package imaginary-compiler)"));
    CHECK(error.hint() == "apt-get install imaginary-compiler imaginary-library");
  }
  CHECK_THROWS_WITH(import_toolchain(local, "rust"), Contains("there is no toolchain “rust”"));
}
