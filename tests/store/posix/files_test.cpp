// Reading, writing, replacing and locking files.
#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include "store/posix/folder.hpp"
#include "store/posix/lock_file.hpp"
#include "store/posix/user_error.hpp"
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace store {

namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "kpkg-posix-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator{path}, fs::directory_iterator{}));
  }
};

} // namespace

TEST_CASE("a file is read whole, also an empty one and one that says it is empty") {
  const Folder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{200'000}}) {
    const std::string text(size, 'x');
    replace_file(folder.path / "f", text);
    CHECK(read_file(folder.path / "f") == text);
    CHECK(read_file(folder.path / "f", size) == text);
    CHECK(read_file(folder.path / "f").capacity() <= size + size / 8 + 65600); // its size was asked for, not found out
    if (size > 0) CHECK_THROWS_WITH(read_file(folder.path / "f", size - 1), Catch::Contains("larger"));
  }
  CHECK(read_file("/proc/self/status").contains("Pid:"));
  CHECK_THROWS_WITH(read_file(folder.path), Catch::Contains(folder.path.string()));
  CHECK_THROWS_WITH(read_file(folder.path / "absent"), Catch::Contains("absent"));
}

TEST_CASE("a write that is interrupted and done in parts arrives whole") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  std::signal(SIGUSR1, [](int) {});
  const std::string text(1 << 20, 'y'); // more than a pipe holds
  const pthread_t writer = ::pthread_self();
  std::string got;
  std::thread reader{[&] {
    for (int i = 0; i < 5; ++i) ::pthread_kill(writer, SIGUSR1);
    got = read_all(read_end.get(), "the pipe");
  }};
  write_all(write_end.get(), as_bytes(text), "the pipe");
  write_end.reset();
  reader.join();
  CHECK(got == text);
}

TEST_CASE("a file that is replaced is the old one until it is committed, and nothing is left behind without that") {
  const Folder folder;
  const fs::path file = folder.path / "f";
  replace_file(file, "old", 0600);
  CHECK((fs::status(file).permissions() & fs::perms::all) == fs::perms{0600});
  {
    FileReplacement replacement{file};
    replacement.write(as_bytes("half"));
    CHECK(read_file(file) == "old");
  }
  CHECK(read_file(file) == "old");
  CHECK(folder.entries() == 1);
  FileReplacement replacement{file};
  replacement.write(as_bytes("new"));
  replacement.commit();
  CHECK(read_file(file) == "new");
  CHECK(folder.entries() == 1);
  CHECK_THROWS_WITH(replace_file(folder.path / "no" / "f", ""), Catch::Contains("no/f"));
}

TEST_CASE("a full disk ends a write with its reason and a hint") {
  if (::access("/dev/full", W_OK) != 0) return;
  const UniqueFd full = open_file("/dev/full", O_WRONLY);
  try {
    write_all(full.get(), as_bytes("x"), "the disk");
    FAIL("it was written");
  } catch (const UserError& error) {
    CHECK(std::string{error.what()}.contains("the disk"));
    CHECK(error.hint().contains("free some space"));
    CHECK(error.code() == UserErrorCode::failed);
  }
}

TEST_CASE("a symlink is replaced, and a folder in its place is not") {
  const Folder folder;
  replace_symlink(folder.path / "l", "a");
  replace_symlink(folder.path / "l", "b");
  CHECK(fs::read_symlink(folder.path / "l") == "b");
  fs::create_directory(folder.path / "d");
  CHECK_THROWS_AS(replace_symlink(folder.path / "d", "a"), UserError);
  CHECK(folder.entries() == 2);
}

TEST_CASE("a symlink of ours is replaced, and nothing else") {
  const Folder folder;
  const fs::path link = folder.path / "result";
  const auto is_ours = [](std::string_view target) { return target.starts_with("/ours/"); };
  CHECK(replace_own_symlink(link, "/ours/1", is_ours));
  CHECK(replace_own_symlink(link, "/ours/2", is_ours));
  CHECK(fs::read_symlink(link) == "/ours/2");
  replace_symlink(link, "/foreign");
  CHECK_FALSE(replace_own_symlink(link, "/ours/3", is_ours));
  CHECK(fs::read_symlink(link) == "/foreign");
  fs::remove(link);
  replace_file(link, "precious");
  CHECK_FALSE(replace_own_symlink(link, "/ours/3", is_ours));
  CHECK(read_file(link) == "precious");
  CHECK(folder.entries() == 1);
}

TEST_CASE("what takes a link's place after the look at it is put back") {
  const Folder folder;
  const fs::path link = folder.path / "result";
  replace_symlink(link, "/ours/1");
  bool looked = false;
  const auto is_ours = [&](std::string_view target) {
    if (std::exchange(looked, true)) return target.starts_with("/ours/");
    fs::remove(link); // somebody is quicker
    replace_file(link, "precious");
    return true;
  };
  CHECK_FALSE(replace_own_symlink(link, "/ours/2", is_ours));
  CHECK(read_file(link) == "precious");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder is made with the permissions asked for, whatever the umask, and keeps those it has") {
  for (const mode_t mask : {0, 077, 0777}) {
    const Folder folder;
    const fs::path inner = folder.path / "a/b";
    const mode_t before = ::umask(mask);
    make_folder(inner / "shared", 0755);
    make_folder(inner / "private", 0700);
    ::umask(before);
    const auto mode = [](const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); };
    CHECK(mode(folder.path / "a") == 0755);
    CHECK(mode(inner / "shared") == 0755);
    CHECK(mode(inner / "private") == 0700);
    make_folder(inner / "private", 0755);
    CHECK(mode(inner / "private") == 0700);
    replace_file(folder.path / "file", "");
    CHECK_THROWS_WITH(make_folder(folder.path / "file" / "x", 0700), Catch::Contains("create the folder"));
  }
}

TEST_CASE("an unnamed file can be written and read and has no name") {
  const UniqueFd file = make_unnamed_file();
  write_all(file.get(), as_bytes("text"), "it");
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  CHECK(read_all(file.get(), "it") == "text");
  struct stat info{};
  REQUIRE(::fstat(file.get(), &info) == 0);
  CHECK(info.st_nlink == 0);
}

TEST_CASE("a lock file is held by one, and gone when it is let go") {
  const Folder folder;
  const fs::path file = folder.path / "lock";
  CHECK_FALSE(LockFile::try_lock(file, LockFile::Missing::give_up));
  {
    const LockFile held{file};
    CHECK_FALSE(LockFile::try_lock(file, LockFile::Missing::create));
    CHECK(fs::exists(file));
  }
  CHECK_FALSE(fs::exists(file));
  // Whoever waited for a lock whose file its holder then removed takes the lock of a new file.
  std::optional<LockFile> first{LockFile{file}};
  std::thread waiting{[&] {
    const LockFile second{file};
    CHECK(is_same_file(second.fd(), file));
  }};
  first.reset();
  waiting.join();
  CHECK(LockFile::try_lock(file, LockFile::Missing::create));
}

} // namespace store
