// What a user of the local store notices: adding, asking, references, closures, signatures, verifying.
#include <new>

#include "store/local/database.hpp"
#include "store/local/local_store.hpp"
#include "tests/store/local/temp_folder.hpp"
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

using namespace store;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TempFolder folder;
  LocalStore store{folder / "root"};

  fs::path tree(const std::string& name, std::string_view contents = "contents") const {
    fs::create_directories(folder / name / "bin");
    write_file(folder / name / "file", contents);
    write_file(folder / name / "bin/program", "#!/bin/sh\n", true);
    fs::create_symlink("file", folder / name / "link");
    return folder / name;
  }
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator{store.store_folder()})
      if (entry.path().filename().string().starts_with(".tmp")) names.push_back(entry.path().filename().string());
    return names;
  }
};

StorePath output_path(std::string_view name) { return make_output_path(name, "out", hash_text(name)).value(); }

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

struct stat stat_of(const fs::path& path) {
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

} // namespace

TEST_CASE_METHOD(Fixture, "an added source is valid, hashed, and canonical on disk") {
  const PathInfo info = store.add_source(tree("t"), "t");
  CHECK(store.is_valid(info.path));
  CHECK(info.nar_hash == hash_path(folder / "t").first);
  CHECK(info.is_self_certifying());
  CHECK(store.query_all() == std::vector<StorePath>{info.path});
  CHECK(store.find_by_digest(info.path.digest()) == info.path);
  CHECK_FALSE(store.find_by_digest("00000000000000000000000000000000"));
  CHECK_FALSE(store.find_by_digest("0"));
  const fs::path at = store.physical(info.path);
  CHECK((stat_of(at).st_mode & 07777) == 0555);
  CHECK((stat_of(at / "file").st_mode & 07777) == 0444);
  CHECK((stat_of(at / "bin/program").st_mode & 07777) == 0555);
  for (const char* each : {".", "file", "bin", "bin/program", "link"}) CHECK(stat_of(at / each).st_mtim.tv_sec == 1);
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(Fixture, "a strict umask does not show in the store") {
  const mode_t before = ::umask(0077);
  const PathInfo info = store.add_source(tree("t"), "t");
  ::umask(before);
  CHECK((stat_of(store.physical(info.path) / "file").st_mode & 07777) == 0444);
  CHECK((stat_of(store.physical(info.path) / "bin/program").st_mode & 07777) == 0555);
  CHECK((stat_of(store.physical(info.path) / "bin").st_mode & 07777) == 0555);
}

TEST_CASE_METHOD(Fixture, "adding the same again writes nothing and says the same") {
  const PathInfo first = store.add_source(tree("t"), "t");
  const ino_t inode = stat_of(store.physical(first.path)).st_ino;
  const PathInfo second = store.add_source(folder / "t", "t");
  CHECK(second.path == first.path);
  CHECK(stat_of(store.physical(first.path)).st_ino == inode);
}

TEST_CASE_METHOD(Fixture, "a source larger than what is kept in memory is added the same") {
  write_file(folder / "big", std::string((64u << 20) + 4096, 'b'));
  const PathInfo info = store.add_source(folder / "big", "big");
  CHECK(hash_path(store.physical(info.path)) == hash_path(folder / "big"));
}

TEST_CASE_METHOD(Fixture, "a filter leaves out what it is asked about and refuses") {
  std::vector<std::string> asked;
  const PathInfo info = store.add_source(tree("t"), "t", [&](const fs::path& path, fs::file_type type) {
    asked.push_back(path.filename().string() + (type == fs::file_type::directory ? "/"
                                                : type == fs::file_type::symlink ? "@"
                                                                                 : ""));
    return path.filename() != "bin";
  });
  CHECK(asked == std::vector<std::string>{"bin/", "file", "link@"});
  CHECK_FALSE(fs::exists(store.physical(info.path) / "bin"));
  CHECK(fs::exists(store.physical(info.path) / "file"));
}

TEST_CASE_METHOD(Fixture, "sockets and missing files are refused by name") {
  const fs::path at = folder / "s";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, at.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
  CHECK(error_of([&] { store.add_source(at, "s"); }).contains("neither a file, a folder nor a symlink"));
  CHECK(error_of([&] { store.add_source(folder / "missing", "x"); }).contains("No such file"));
  CHECK(error_of([&] { store.add_source(tree("t"), "bad name"); }).contains("bad name"));
  CHECK(store.query_all().empty());
}

TEST_CASE_METHOD(Fixture, "texts refer to what they were made from, and only to what is there") {
  const PathInfo a = store.add_text("a", "A");
  const PathInfo b = store.add_text("b", a.path.full(), {a.path});
  CHECK(read_file(store.physical(b.path)) == a.path.full());
  CHECK(b.references == StorePathSet{a.path});
  CHECK(store.referrers(a.path) == StorePathSet{b.path});
  const StorePath nowhere = make_text_path("nowhere", {}, {}).value();
  CHECK(error_of([&] {
          store.add_text("c", "", {nowhere});
        }).contains("refers to " + nowhere.full() + ", which is not in the store"));
}

TEST_CASE_METHOD(Fixture, "a closure holds all that is reachable, references first when so asked") {
  const StorePath a = store.add_text("a", "A").path;
  const StorePath b = store.add_text("b", "B", {a}).path;
  const StorePath c = store.add_text("c", "C", {a}).path;
  const StorePath d = store.add_text("d", "D", {b, c}).path;
  store.add_text("other", "O");
  CHECK(store.closure({d}) == StorePathSet{a, b, c, d});
  const std::vector<StorePath> order = store.closure_references_first({d});
  REQUIRE(order.size() == 4);
  CHECK(order.front() == a);
  CHECK(order.back() == d);
  CHECK(error_of([&] { (void)store.closure({output_path("x")}); }).ends_with("is not in the store"));
}

TEST_CASE_METHOD(Fixture, "a chain of 2,000 references is no problem for closures") {
  StorePathSet previous;
  StorePath last = output_path("x");
  for (int i = 0; i < 2000; ++i) {
    last = store.add_text("t" + std::to_string(i), "", previous).path;
    previous = {last};
  }
  CHECK(store.closure({last}).size() == 2000);
}

TEST_CASE_METHOD(Fixture, "a NAR is added when it is what was announced, and refused otherwise without a trace") {
  const auto [hash, size] = hash_path(tree("t"));
  PathInfo info{.path = output_path("t"), .nar_hash = hash, .nar_size_bytes = size};
  const auto produce = [&](const ByteSink& sink) {
    NarWriter writer{sink};
    dump_path(folder / "t", writer);
    unwrap(writer.finish(), "t");
  };
  PathInfo wrong = info;
  wrong.nar_hash = hash_text("other");
  CHECK(error_of([&] { store.add_nar(wrong, produce); }).contains("were announced"));
  wrong = info;
  wrong.nar_size_bytes = size + 8;
  CHECK(error_of([&] { store.add_nar(wrong, produce); }).contains("were announced"));
  wrong = info;
  wrong.nar_size_bytes = 100;
  CHECK(error_of([&] { store.add_nar(wrong, produce); }).contains("larger than the 100 bytes"));
  CHECK(error_of([&] {
          store.add_nar(
              info, [&](const ByteSink& sink) { (void)sink(as_bytes("no NAR, but 40 bytes of something else..")); });
        }).contains("byte 0"));
  CHECK_FALSE(error_of([&] { store.add_nar(info, [&](const ByteSink&) {}); }).empty());
  CHECK_THROWS_AS(store.add_nar(info, [&](const ByteSink&) { throw std::runtime_error("the network"); }),
                  std::runtime_error);
  CHECK_FALSE(store.is_valid(info.path));
  CHECK_FALSE(fs::exists(store.physical(info.path)));
  CHECK(leftovers().empty());

  const SecretKey key = SecretKey::generate("k");
  info.sign(key);
  CHECK(store.add_nar(info, produce).verify_signatures({key.public_key()}));
  // Again: not even asked for; but a new signature is kept.
  const SecretKey second = SecretKey::generate("second");
  info.sign(second);
  const PathInfo again = store.add_nar(info, [](const ByteSink&) { FAIL("asked for"); });
  CHECK(again.signatures.size() == 2);
  CHECK(again.verify_signatures({second.public_key()}));
  std::string nar;
  store.dump_nar(info.path, [&](Bytes bytes) -> Result<void> {
    nar.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  CHECK(hash_text(nar) == hash);
}

TEST_CASE_METHOD(Fixture, "a NAR that leads outside is refused before anything is written there") {
  std::string nar;
  const auto add = [&](std::string_view text) {
    std::string head(8, '\0');
    head[0] = static_cast<char>(text.size());
    nar.append(head).append(text).append(-text.size() & 7, '\0');
  };
  for (const char* text : {"nix-archive-1", "(", "type", "directory", "entry", "(", "name", "../evil", "node", "(",
                           "type", "regular", "contents", "x", ")", ")", ")"})
    add(text);
  const PathInfo info{.path = output_path("evil"), .nar_hash = hash_text(nar), .nar_size_bytes = nar.size()};
  CHECK(error_of([&] {
          store.add_nar(info, [&](const ByteSink& sink) { (void)sink(as_bytes(nar)); });
        }).contains("contains \"/\""));
  CHECK_FALSE(fs::exists(store.store_folder() / "evil"));
}

TEST_CASE_METHOD(Fixture, "outputs are scanned for references, to themselves and each other too") {
  const StorePath used = store.add_text("used", "u").path, unused = store.add_text("unused", "n").path;
  const StorePath drv = make_derivation(store, "built", {"out", "dev"});
  const StorePath out = output_of(store, drv), dev = output_of(store, drv, "dev");
  fs::create_directory(folder / "out");
  fs::create_directory(folder / "dev");
  write_file(folder / "out/binary",
             std::string("\x7f"
                         "ELF\0",
                         5) +
                 used.full() + '\0' + std::string{out.digest()},
             true);
  write_file(folder / "dev/header", std::string(70'000, 'a') + out.full());
  const std::vector<PathInfo> infos =
      add_outputs(store, drv, {{"out", folder / "out"}, {"dev", folder / "dev"}}, {used, unused});
  CHECK(infos[0].references == StorePathSet{out}); // dev, by the order of ids
  CHECK(infos[1].references == StorePathSet{used, out});
  CHECK(infos[0].deriver == drv);
  CHECK((stat_of(store.physical(out)).st_mode & 07777) == 0555);
  CHECK((stat_of(store.physical(out) / "binary").st_mode & 07777) == 0555);
  CHECK(store.verify(true).empty());
  CHECK(store.closure_references_first({dev}).back() == dev);
}

TEST_CASE_METHOD(Fixture,
                 "outputs of a kind that a store has not are refused by name, and set-uid bits do not survive") {
  const StorePath drv = make_derivation(store, "bad"), out = output_of(store, drv);
  fs::create_directory(folder / "out");
  REQUIRE(::mkfifo((folder / "out/pipe").c_str(), 0600) == 0);
  CHECK(error_of([&] { add_outputs(store, drv, {{"out", folder / "out"}}); }).contains("out/pipe is neither"));
  CHECK(error_of([&] { add_outputs(store, drv, {{"out", folder / "nothing"}}); }).contains("nothing"));
  CHECK_FALSE(store.is_valid(out));
  CHECK(leftovers().empty());
  fs::remove(folder / "out/pipe");
  write_file(folder / "out/su", "x");
  REQUIRE(::chmod((folder / "out/su").c_str(), 06755) == 0);
  add_outputs(store, drv, {{"out", folder / "out"}});
  CHECK((stat_of(store.physical(out) / "su").st_mode & 07777) == 0555);
}

TEST_CASE_METHOD(Fixture, "what a builder still holds of an output leads to other files than the store's") {
  const StorePath drv = make_derivation(store, "linked"), out = output_of(store, drv);
  write_file(folder / "outside", "before");
  fs::create_directory(folder / "out");
  fs::create_hard_link(folder / "outside", folder / "out/inside");
  const UniqueFd held = open_file(folder / "outside", O_RDWR);
  add_outputs(store, drv, {{"out", folder / "out"}});
  write_all(held.get(), as_bytes(std::string_view{"after!"}), "outside");
  CHECK(read_file(store.physical(out) / "inside") == "before");
  CHECK(store.verify(true).empty());
}

TEST_CASE_METHOD(Fixture, "an output that a builder left unreadable is read") {
  const StorePath drv = make_derivation(store, "closed"), out = output_of(store, drv);
  fs::create_directories(folder / "out/in");
  write_file(folder / "out/in/program", "#!", true);
  REQUIRE(::chmod((folder / "out/in/program").c_str(), 0100) == 0);
  REQUIRE(::chmod((folder / "out/in").c_str(), 0) == 0);
  add_outputs(store, drv, {{"out", folder / "out"}});
  CHECK((stat_of(store.physical(out) / "in/program").st_mode & 07777) == 0555);
}

TEST_CASE_METHOD(Fixture, "outputs beyond their limit are refused by their sizes, before they are read") {
  const StorePath drv = make_derivation(store, "sparse"), out = output_of(store, drv);
  write_file(folder / "out", "");
  fs::resize_file(folder / "out", uint64_t{200} << 30);
  CHECK(error_of([&] {
          (void)store.take_outputs(drv, {{"out", folder / "out"}}, {}, {.max_bytes = uint64_t{100} << 30});
        }).contains("outputs may have 107374182400"));
  CHECK(error_of([&] {
          (void)store.take_outputs(drv, {{"out", folder / "out"}}, {},
                                   {.checkpoint = [] { throw UserError("stopped"); }});
        }).contains("stopped"));
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(Fixture, "verify finds a flipped bit, a missing tree and a changed mode") {
  const StorePath whole = store.add_source(tree("a", "1"), "whole").path;
  const StorePath flipped = store.add_source(tree("b", "2"), "flipped").path;
  const StorePath missing = store.add_source(tree("c", "3"), "missing").path;
  CHECK(store.verify(true).empty());
  REQUIRE(::chmod((store.physical(flipped) / "file").c_str(), 0644) == 0);
  write_file(store.physical(flipped) / "file", "3");
  remove_tree(store.physical(missing));
  std::map<StorePath, std::string> problems;
  for (const VerifyProblem& problem : store.verify(true)) problems.emplace(problem.path, problem.what);
  CHECK(problems.size() == 2);
  CHECK(problems.at(flipped).starts_with("NAR hash is sha256:"));
  CHECK(problems.at(missing) == "missing on disk");
  CHECK(store.verify(false).size() == 1);
  CHECK_FALSE(problems.contains(whole));
}

TEST_CASE_METHOD(Fixture, "a derivation is read back, and what is none is refused") {
  Derivation drv{.name = "d", .system = "s", .builder = "b"};
  drv.outputs["out"] = {};
  const StorePath path = store.add_derivation(drv);
  CHECK(drv.env.at("out") == drv.outputs.at("out").path->full());
  CHECK(store.read_derivation(path) == drv);
  CHECK(error_of([&] { (void)store.read_derivation(output_path("x")); }).contains("is no derivation"));
  CHECK(error_of([&] { (void)store.read_derivation(output_path("x.drv")); }).contains("is not in the store"));
  CHECK(error_of([&] { (void)store.add_text("fake.drv", "Derive(oops"); }).contains("byte 7"));
}

TEST_CASE_METHOD(Fixture, "a derivation that states other outputs than follow from it enters by no way") {
  const StorePath victim = make_derivation(store, "victim"), stolen = output_of(store, victim);
  Derivation forged{.name = "forged", .system = "x86_64-linux", .builder = "/bin/sh"};
  forged.outputs["out"] = {.path = stolen};
  forged.env["out"] = stolen.full();
  const std::string refusal = "its output \"out\" is stated as " + stolen.full();
  CHECK(error_of([&] { (void)store.add_text("forged.drv", forged.to_aterm()); }).contains(refusal));
  write_file(folder / "forged", forged.to_aterm());
  CHECK(
      error_of([&] { (void)store.add_source(folder / "forged", "forged.drv"); }).contains("its text has another path"));
  const auto [hash, size_bytes] = hash_path(folder / "forged");
  PathInfo info{.path = forged.drv_path().value(), .nar_hash = hash, .nar_size_bytes = size_bytes};
  const auto add = [&] {
    store.add_nar(info, [&](const ByteSink& sink) {
      NarWriter writer{sink};
      dump_path(folder / "forged", writer);
      unwrap(writer.finish(), "forged");
    });
  };
  CHECK(error_of(add).contains(refusal));
  info.path = output_path("other.drv");
  CHECK(error_of(add).contains("its text has another path"));
  CHECK(store.query_all() == std::vector<StorePath>{victim});
  CHECK(leftovers().empty());
}

TEST_CASE_METHOD(Fixture,
                 "a path is not registered under a deriver that does not make it, nor a false content address") {
  const StorePath drv = make_derivation(store, "maker");
  write_file(folder / "file", "contents");
  const auto [hash, size_bytes] = hash_path(folder / "file");
  const auto add = [&](const StorePath& path, const std::optional<StorePath>& deriver, const std::string& address) {
    return error_of([&] {
      store.add_nar({.path = path,
                     .nar_hash = hash,
                     .nar_size_bytes = size_bytes,
                     .deriver = deriver,
                     .content_address = address},
                    [&](const ByteSink& sink) {
                      NarWriter writer{sink};
                      dump_path(folder / "file", writer);
                      unwrap(writer.finish(), "file");
                    });
    });
  };
  CHECK(add(output_path("foreign"), drv, "").contains("which makes other paths"));
  const Hash flat = hash_text("contents"), other = hash_text("others");
  const StorePath fixed = make_fixed_output_path("f", false, flat).value();
  CHECK(add(output_path("f"), {}, "fixed:" + flat.to_string()).contains("its path does not follow"));
  CHECK(add(make_fixed_output_path("f", false, other).value(), {}, "fixed:" + other.to_string())
            .contains("its content has the hash"));
  CHECK(add(fixed, {}, "strange:" + flat.to_string()).contains("is no content address"));
  CHECK(add(make_text_path("t", as_bytes(std::string_view{"others"}), {}).value(), {}, "text:" + other.to_string())
            .contains("its content has the hash"));
  CHECK(store.query_all() == std::vector<StorePath>{drv});
  CHECK(add(fixed, {}, "fixed:" + flat.to_string()).empty());
  CHECK(add(make_text_path("t", as_bytes(std::string_view{"contents"}), {}).value(), {}, "text:" + flat.to_string())
            .empty());
  CHECK(add(output_of(store, drv), drv, "").empty());
  CHECK(store.verify(true).empty());
}

TEST_CASE_METHOD(
    Fixture,
    "a forged derivation and a false deriver that stand in the store are found, and the former builds nothing") {
  const StorePath victim = make_derivation(store, "victim"), stolen = output_of(store, victim);
  Derivation forged{.name = "forged", .system = "x86_64-linux", .builder = "/bin/sh"};
  forged.outputs["out"] = {.path = stolen};
  forged.env["out"] = stolen.full();
  const StorePath forged_path = forged.drv_path().value(), text = store.add_text("plain", "text").path;
  write_file(store.physical(forged_path), forged.to_aterm());
  REQUIRE(::chmod(store.physical(forged_path).c_str(), 0444) == 0);
  const auto [hash, size_bytes] = hash_path(store.physical(forged_path));
  {
    Database database{folder / "root/var/db.sqlite", "", 1};
    Statement{database, "INSERT INTO valid_paths (path, nar_hash, nar_size, registered_at) VALUES (?, ?, ?, 1)"}
        .bind_all(std::string_view{forged_path.base_name()}, std::string_view{hash.to_string()},
                  static_cast<int64_t>(size_bytes))
        .run();
    Statement{database, "UPDATE valid_paths SET deriver = ? WHERE path = ?"}
        .bind_all(std::string_view{victim.base_name()}, std::string_view{text.base_name()})
        .run();
  }
  CHECK(error_of([&] { (void)store.read_derivation(forged_path); }).contains("is stated as"));
  CHECK(error_of([&] { (void)store.take_outputs(forged_path, {}, {}, {}); }).contains("is stated as"));
  std::map<StorePath, std::string> problems;
  for (const VerifyProblem& problem : store.verify(true)) problems.emplace(problem.path, problem.what);
  CHECK(problems.size() == 2);
  CHECK(problems[forged_path].contains("is stated as"));
  CHECK(problems[text].contains("which makes other paths"));
}

TEST_CASE("a store of a newer program is refused, not damaged") {
  const TempFolder folder;
  {
    LocalStore store{folder / "root"};
  }
  {
    // The version stands at offset 60 of a SQLite file, big-endian.
    std::fstream file{folder / "root/var/db.sqlite", std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(63);
    file.put(9);
  }
  CHECK(error_of([&] { LocalStore store{folder / "root"}; }).contains("has version 9"));
}

TEST_CASE("a store whose database is no database is refused") {
  const TempFolder folder;
  fs::create_directories(folder / "root/var");
  write_file(folder / "root/var/db.sqlite", std::string(8192, 'x'));
  CHECK(error_of([&] { LocalStore store{folder / "root"}; }).contains("not a database"));
}

TEST_CASE("a root that cannot be made is refused") {
  const TempFolder folder;
  write_file(folder / "file", "");
  CHECK(error_of([&] { LocalStore store{folder / "file/root"}; }).contains("cannot create the folder"));
}

TEST_CASE("KPKG_ROOT decides where the store is") {
  REQUIRE(::setenv("KPKG_ROOT", "/some/where/", 1) == 0);
  CHECK(default_root().string() == "/some/where/");
  REQUIRE(::unsetenv("KPKG_ROOT") == 0);
}
