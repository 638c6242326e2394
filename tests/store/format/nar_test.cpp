// NARs: every way in which one can be wrong, and that chunk borders make no difference. That the bytes are Nix's is
// shown in store/local/nix_oracle_test.
#include <new>

#include "store/format/nar.hpp"
#include <catch2/catch.hpp>
#include <cstring>

using namespace store;

namespace {

// One string of the format.
std::string str(std::string_view text) {
  std::string out(8, '\0');
  const uint64_t length = text.size();
  std::memcpy(out.data(), &length, 8);
  out.append(text).append(-text.size() & 7, '\0');
  return out;
}
template <class... Text> std::string strs(const Text&... texts) { return (str(texts) + ...); }

std::string archive(const std::string& node) { return str("nix-archive-1") + node; }
std::string file(std::string_view contents) { return strs("(", "type", "regular", "contents", contents, ")"); }
std::string executable(std::string_view contents) {
  return strs("(", "type", "regular", "executable", "", "contents", contents, ")");
}
std::string symlink_node(std::string_view target) { return strs("(", "type", "symlink", "target", target, ")"); }
std::string entry(std::string_view name, const std::string& node) {
  return strs("entry", "(", "name", name, "node") + node + str(")");
}
std::string folder(const std::string& entries = {}) { return strs("(", "type", "directory") + entries + str(")"); }

Result<void> check(const std::string& nar) { return check_nar(as_bytes(nar)); }

std::string nested(size_t folders, std::string inside) {
  for (size_t i = 0; i < folders; ++i) inside = folder(inside.empty() ? "" : entry("d", inside));
  return archive(inside);
}

// Writes every event as text.
class Recorder final : public NarVisitor {
public:
  std::string log;
  Result<void> file_begin(std::string_view name, bool x, uint64_t size) override {
    log.append("file ").append(name).append(x ? " x " : " ").append(std::to_string(size)).append(":");
    return {};
  }
  Result<void> file_data(Bytes data) override {
    log.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }
  Result<void> file_end() override { return note(";"); }
  Result<void> symlink(std::string_view name, std::string_view target) override {
    log.append("link ").append(name).append("->").append(target).append(";");
    return {};
  }
  Result<void> directory_begin(std::string_view name) override {
    log.append("dir ").append(name).append("{");
    return {};
  }
  Result<void> directory_end() override { return note("}"); }

private:
  Result<void> note(std::string_view text) {
    log.append(text);
    return {};
  }
};

const std::string kTree =
    archive(folder(entry("a", file("12345678")) + entry("b", folder(entry("x", executable("run")))) +
                   entry("c", symlink_node("../t"))));

} // namespace

TEST_CASE("a NAR's tree is visited in order") {
  Recorder recorder;
  REQUIRE(read_nar(as_bytes(kTree), recorder));
  CHECK(recorder.log == "dir {file a 8:12345678;dir b{file x x 3:run;}link c->../t;}");
}

TEST_CASE("a NAR fed in pieces of any size is the same tree") {
  for (size_t piece = 1; piece < kTree.size(); ++piece) {
    Recorder recorder;
    NarReader reader{recorder};
    for (size_t i = 0; i < kTree.size(); i += piece) {
      CHECK_FALSE(reader.done());
      REQUIRE(reader.feed(as_bytes(std::string_view{kTree}.substr(i, piece))));
    }
    REQUIRE(reader.done());
    REQUIRE(reader.finish());
    CHECK(recorder.log == "dir {file a 8:12345678;dir b{file x x 3:run;}link c->../t;}");
  }
}

TEST_CASE("the writer writes what the reader reads, byte for byte") {
  std::string copy;
  NarWriter writer{[&](Bytes bytes) -> Result<void> {
    copy.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }};
  REQUIRE(read_nar(as_bytes(kTree), writer));
  REQUIRE(writer.finish());
  CHECK(copy == kTree);
}

TEST_CASE("file contents are passed on as views, not copies") {
  const std::string nar = archive(file(std::string(100'000, 'x')));
  struct Visitor final : NarVisitor {
    const std::byte* data = nullptr;
    size_t calls = 0;
    Result<void> file_begin(std::string_view, bool, uint64_t) override { return {}; }
    Result<void> file_data(Bytes bytes) override {
      data = bytes.data();
      ++calls;
      return {};
    }
    Result<void> file_end() override { return {}; }
    Result<void> symlink(std::string_view, std::string_view) override { return {}; }
    Result<void> directory_begin(std::string_view) override { return {}; }
    Result<void> directory_end() override { return {}; }
  } visitor;
  REQUIRE(read_nar(as_bytes(nar), visitor));
  CHECK(visitor.calls == 1);
  CHECK(visitor.data >= as_bytes(nar).data());
  CHECK(visitor.data < as_bytes(nar).data() + nar.size());
}

TEST_CASE("a NAR with unsorted entries is rejected at the first offending name") {
  const std::string before =
      str("nix-archive-1") + strs("(", "type", "directory") + entry("b", file("")) + strs("entry", "(", "name");
  const Result<void> result = check(archive(folder(entry("b", file("")) + entry("a", file("")))));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::malformed);
  CHECK(result.error().message == "an entry's name is not greater than the one before it");
  CHECK(result.error().offset == before.size() + 8); // where the name stands, after its length
}

TEST_CASE("entries are sorted as bytes, not as characters or numbers") {
  CHECK(
      check(archive(folder(entry("B", file("")) + entry("a", file("")) + entry("a-", file("")) + entry("a.", file("")) +
                           entry("a0", file("")) + entry("\x80", file("")) + entry("\xff", file(""))))));
  CHECK_FALSE(check(archive(folder(entry("\xff", file("")) + entry("a", file(""))))));
}

TEST_CASE("an entry twice is rejected") {
  CHECK_FALSE(check(archive(folder(entry("a", file("")) + entry("a", file(""))))));
}

TEST_CASE("entries of names that no folder can have are rejected") {
  for (const std::string_view name : {std::string_view{""}, std::string_view{"."}, std::string_view{".."},
                                      std::string_view{"a/b"}, std::string_view{"/"}, std::string_view{"a\0b", 3}})
    CHECK_FALSE(check(archive(folder(entry(name, file(""))))));
  CHECK(check(archive(folder(entry("...", file(""))))));
}

TEST_CASE("names of 255 bytes are read, longer ones rejected") {
  CHECK(check(archive(folder(entry(std::string(255, 'n'), file(""))))));
  CHECK(check(archive(folder(entry(std::string(256, 'n'), file(""))))).error().message ==
        "an entry's name is longer than 255 bytes");
}

TEST_CASE("symlink targets of 4095 bytes are read; longer, empty and NUL-bearing ones rejected") {
  CHECK(check(archive(symlink_node(std::string(4095, 't')))));
  CHECK_FALSE(check(archive(symlink_node(std::string(4096, 't')))));
  CHECK_FALSE(check(archive(symlink_node(""))));
  CHECK_FALSE(check(archive(symlink_node(std::string_view{"a\0b", 3}))));
}

TEST_CASE("64 levels are read, 65 rejected") {
  CHECK(check(nested(64, "")));
  CHECK(check(nested(63, file("x"))));
  CHECK(check(nested(64, file("x"))).error().code == ErrorCode::limit);
  CHECK_FALSE(check(nested(65, "")));
}

TEST_CASE("padding that is not zero is rejected, after strings and after contents") {
  std::string nar = archive(file("123"));
  const size_t contents = nar.find("123");
  nar[contents + 3] = 'x';
  CHECK(check(nar).error().message == "the padding after a file's contents is not zero");
  nar = archive(file(""));
  nar[8 + 13] = 'x';
  CHECK(check(nar).error().message == "the padding after a string is not zero");
}

TEST_CASE("unknown tags and a wrong magic are rejected, and the message says what was expected") {
  CHECK(check(str("nix-archive-2") + file("")).error().message ==
        "this is no NAR: it does not begin with \"nix-archive-1\"");
  CHECK(check(archive(strs("(", "type", "socket", ")"))).error().message ==
        "expected \"regular\", \"directory\" or \"symlink\" but found \"socket\"");
  CHECK_FALSE(check(archive(strs("{", "type", "regular", "contents", "", ")"))));
  CHECK_FALSE(check(archive(strs("(", "kind", "regular", "contents", "", ")"))));
  CHECK_FALSE(check(archive(strs("(", "type", "regular", "executable", "yes", "contents", "", ")"))));
  CHECK_FALSE(check(archive(strs("(", "type", "regular", "executable", "", ")"))));
  CHECK_FALSE(check(archive(strs("(", "type", "regular", ")")))); // no contents at all
  CHECK_FALSE(check(archive(strs("(", "type", "regular", "contents", "", "contents", "", ")"))));
  CHECK_FALSE(check(archive(strs("(", "type", "symlink", "contents", "x", ")"))));
  CHECK_FALSE(check(archive(strs("(", "type", "directory", "item", ")"))));
  CHECK_FALSE(
      check(archive(strs("(", "type", "directory", "entry", "(", "node") + file("") + strs("name", "x", ")", ")"))));
}

TEST_CASE("a NAR cut anywhere is rejected") {
  for (size_t length = 0; length < kTree.size(); ++length) CHECK_FALSE(check(kTree.substr(0, length)));
}

TEST_CASE("bytes after the archive are rejected at their place") {
  CHECK(check(kTree + std::string(8, '\0')).error().offset == kTree.size());
  CHECK_FALSE(check(kTree + kTree));
}

TEST_CASE("a length near 2^64 is rejected and not allocated") {
  std::string nar = archive(file("12345678"));
  for (const size_t at : {size_t{0}, nar.find("regular") - 8}) {
    std::string bad = nar;
    bad.replace(at, 8, std::string(8, '\xff'));
    CHECK_FALSE(check(bad));
  }
  std::string bad = nar;
  bad.replace(nar.find("12345678") - 8, 8, std::string(8, '\xff'));
  CHECK(check(bad).error().message == "the archive ends too early");
}

TEST_CASE("after an error the reader stays in it") {
  Recorder recorder;
  NarReader reader{recorder};
  CHECK_FALSE(reader.feed(as_bytes(str("nix-archive-3"))));
  CHECK_FALSE(reader.feed(as_bytes(kTree)));
  CHECK_FALSE(reader.finish());
  CHECK_FALSE(reader.done());
}

TEST_CASE("an error of the visitor ends the reading") {
  NarWriter full{[](Bytes) -> Result<void> { return std::unexpected(Error{ErrorCode::sink, "full"}); }};
  const std::string nar = archive(file(std::string(100'000, 'x')));
  CHECK(read_nar(as_bytes(nar), full).error().code == ErrorCode::sink);
}

TEST_CASE("the writer refuses what the reader would") {
  const auto writer = [] { return NarWriter{[](Bytes) -> Result<void> { return {}; }}; };
  {
    NarWriter w = writer();
    REQUIRE(w.directory_begin(""));
    REQUIRE(w.symlink("b", "t"));
    CHECK_FALSE(w.symlink("a", "t"));
    CHECK_FALSE(w.symlink("b", "t"));
    CHECK_FALSE(w.file_begin("..", false, 0));
    CHECK_FALSE(w.symlink("c", ""));
    CHECK_FALSE(w.finish());
    REQUIRE(w.directory_end());
    CHECK(w.finish());
    CHECK_FALSE(w.directory_end());
    CHECK_FALSE(w.symlink("", "t"));
  }
  {
    NarWriter w = writer();
    REQUIRE(w.file_begin("", false, 3));
    CHECK_FALSE(w.file_data(as_bytes("1234")));
    REQUIRE(w.file_data(as_bytes("12")));
    CHECK_FALSE(w.file_end());
    CHECK_FALSE(w.directory_begin("x"));
  }
  {
    NarWriter w = writer();
    CHECK_FALSE(w.directory_begin("root"));
  }
  {
    NarWriter w = writer();
    Result<void> result;
    size_t depth = 0;
    for (; depth < 100 && result; ++depth) result = w.directory_begin(depth == 0 ? "" : "d");
    CHECK(depth == 65);
  }
}

TEST_CASE("a file inside a NAR is found by its path") {
  const std::string nar =
      archive(folder(entry("a", folder(entry("b", folder(entry("c", file("deep")))) + entry("bc", file("beside")))) +
                     entry("a.b", file("dot")) + entry("empty", file("")) + entry("link", symlink_node("a")) +
                     entry("run", executable("#!"))));
  const auto text = [&](std::string_view path) -> std::string {
    const Result<NarFile> found = find_in_nar(as_bytes(nar), path);
    if (!found) return "error: " + found.error().message;
    return {reinterpret_cast<const char*>(found->contents.data()), found->contents.size()};
  };
  CHECK(text("a/b/c") == "deep");
  CHECK(text("a/bc") == "beside");
  CHECK(text("a.b") == "dot");
  CHECK(text("empty").empty());
  CHECK(find_in_nar(as_bytes(nar), "run")->executable);
  CHECK_FALSE(find_in_nar(as_bytes(nar), "a.b")->executable);
  CHECK(text("a") == "error: \"a\" in the archive is a folder, not a file");
  CHECK(text("link") == "error: \"link\" in the archive is a symlink, not a file");
  CHECK(text("link/b") == "error: \"link/b\" in the archive is missing");
  for (const char* missing : {"b", "a/b/c/d", "a/", "/a", "a//b", "a/b/", "c", "", "a/c"})
    CHECK_FALSE(find_in_nar(as_bytes(nar), missing));
  CHECK(find_in_nar(as_bytes(archive(file("root"))), "")->contents.size() == 4);
}
