// What pure evaluation may see of the disk, with links, missing files and names that only begin alike.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/allowed_files.hpp"
#include <filesystem>
#include <fstream>
#include <stdlib.h>

using lang::AllowedFiles;
using lang::LastLink;
namespace fs = std::filesystem;

namespace {

struct Tree {
  Tree() {
    std::string name = (fs::temp_directory_path() / "kpkg-allowed-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = fs::canonical(name);
    fs::create_directories(root / "project/inner");
    fs::create_directories(root / "project-2");
    std::ofstream{root / "secret"} << "s";
    std::ofstream{root / "project/file"} << "f";
    fs::create_symlink("../secret", root / "project/out");
    fs::create_symlink("..", root / "project/up");
    fs::create_symlink("inner/../file", root / "project/in");
    fs::create_symlink("nowhere", root / "project/dangling");
    fs::create_symlink(root / "project", root / "alias");
  }
  ~Tree() { fs::remove_all(root); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  [[nodiscard]] bool sees(const std::string& name, LastLink last_link = LastLink::followed) const {
    AllowedFiles allowed{{root / "project"}};
    return allowed.contains((root / name).string(), last_link);
  }
  fs::path root;
};

} // namespace

TEST_CASE_METHOD(Tree, "what lies below a root is seen, wherever its path begins") {
  CHECK(sees("project"));
  CHECK(sees("project/file"));
  CHECK(sees("project/in"));
  CHECK(sees("project/missing/file"));
  CHECK(sees("alias/file"));
}

TEST_CASE_METHOD(Tree, "what links lead out to is not seen, though the links are") {
  CHECK_FALSE(sees("secret"));
  CHECK_FALSE(sees("project-2"));
  CHECK_FALSE(sees("missing"));
  CHECK_FALSE(sees("project/out"));
  CHECK_FALSE(sees("project/up/secret"));
  CHECK_FALSE(sees("project/up/missing"));
  CHECK_FALSE(sees("project/dangling"));
  CHECK(sees("project/out", LastLink::looked_at));
  CHECK(sees("project/dangling", LastLink::looked_at));
  CHECK_FALSE(sees("project/up/secret", LastLink::looked_at));
}

TEST_CASE("the root of all files is no root, nor is what does not exist") {
  AllowedFiles allowed{{"/", "/no/such/folder"}};
  CHECK_FALSE(allowed.contains("/etc/passwd", LastLink::followed));
  CHECK_FALSE(allowed.contains("/no/such/folder/x", LastLink::followed));
}
