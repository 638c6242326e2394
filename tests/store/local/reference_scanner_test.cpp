// The reference scanner against the plain search that it replaces.
#include <new>

#include "store/local/reference_scanner.hpp"
#include <catch2/catch.hpp>
#include <random>

using namespace store;

namespace {

StorePath path_of(int number) { return make_text_path("p", as_bytes(std::to_string(number)), {}).value(); }

} // namespace

TEST_CASE("references are found wherever the chunks are cut") {
  const StorePath a = path_of(1), b = path_of(2), absent = path_of(3);
  const std::string text = "xx/kpkg/store/" + a.base_name() + std::string(40, 'a') + std::string{b.digest()} + "!";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    ReferenceScanner scanner{{a, b, absent}};
    for (size_t i = 0; i < text.size(); i += piece) scanner.feed(as_bytes(std::string_view{text}.substr(i, piece)));
    CHECK(scanner.found() == StorePathSet{a, b});
  }
}

TEST_CASE("a digest cut short, or with one digit changed, is no reference") {
  const StorePath a = path_of(1);
  std::string text{a.digest()};
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '0' ? '1' : '0';
    ReferenceScanner scanner{{a}};
    scanner.feed(as_bytes(changed));
    CHECK(scanner.found().empty());
  }
  ReferenceScanner scanner{{a}};
  scanner.feed(as_bytes(text.substr(1)));
  CHECK(scanner.found().empty());
}

TEST_CASE("in random data the scanner finds what a plain search finds") {
  std::mt19937 random{42}; // fixed: a failure can be looked at
  StorePathSet candidates;
  for (int i = 0; i < 20; ++i) candidates.insert(path_of(i));
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) {
      const StorePath& path = *std::next(candidates.begin(), static_cast<ptrdiff_t>(random() % 20));
      const size_t length = random() % 40;
      text += random() % 2 == 0 ? std::string{path.digest().substr(0, length)}
                                : std::string(length, static_cast<char>('a' + random() % 4));
    }
    ReferenceScanner scanner{candidates};
    for (size_t i = 0; i < text.size();) {
      const size_t piece = 1 + random() % 50;
      scanner.feed(as_bytes(std::string_view{text}.substr(i, piece)));
      i += piece;
    }
    StorePathSet expected;
    for (const StorePath& path : candidates)
      if (text.contains(path.digest())) expected.insert(path);
    CHECK(scanner.found() == expected);
  }
}
