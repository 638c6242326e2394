// The language against a stock nix: the same files evaluated by both.
#include <new>

#include <catch2/catch.hpp>

#include "derivations/lang/evaluator.hpp"
#include "tests/derivations/lang/nix_oracle.hpp"

namespace {

bool skipped() {
  if (oracle::have_nix()) return false;
  std::printf("skipped: no nix-instantiate on this machine\n");
  return true;
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) result += " ./" + name;
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

lang::EvalOptions options_for(const oracle::Folder& folder) {
  lang::EvalOptions options;
  options.pure = false;
  options.store_dir = (folder.path / "store").string();
  options.trace_output = [](std::string_view) {};
  return options;
}

} // namespace

TEST_CASE("every golden expression prints as nix prints it") {
  if (skipped()) return;
  const oracle::Folder folder;
  const std::vector<std::string> entries = oracle::golden("expressions.txt");
  REQUIRE(entries.size() >= 150);
  const auto names = folder.write_entries("e", entries);
  const auto nix = folder.nix_instantiate("--eval --strict" + joined(names));
  CHECK(nix.status == 0);
  const auto expected = lines_of(nix.output);
  REQUIRE(expected.size() == entries.size());
  lang::MemoryEvalStore store{(folder.path / "store").string()};
  lang::Evaluator evaluator{store, options_for(folder)};
  for (size_t i = 0; i < entries.size(); ++i) {
    std::string printed;
    try {
      printed = evaluator.print(evaluator.eval_file(folder.path / names[i]));
    } catch (const lang::EvalError& error) {
      printed = lang::render_error(error);
    }
    INFO(entries[i]);
    CHECK(printed == expected[i]);
  }
}

TEST_CASE("what fails in nix fails here, with the kind and position that help most") {
  const oracle::Folder folder;
  std::vector<std::string> heads, entries;
  for (const std::string& entry : oracle::golden("failures.txt")) {
    const size_t newline = entry.find('\n');
    heads.push_back(entry.substr(0, newline));
    entries.push_back(entry.substr(newline + 1));
  }
  REQUIRE(entries.size() >= 50);
  const auto names = folder.write_entries("f", entries);
  const bool nix = !skipped();
  lang::MemoryEvalStore store{(folder.path / "store").string()};
  lang::Evaluator evaluator{store, options_for(folder)};
  for (size_t i = 0; i < entries.size(); ++i) {
    INFO(entries[i]);
    if (nix) CHECK(folder.nix_instantiate("--eval --strict ./" + names[i]).status != 0);
    std::string found = "no error";
    try {
      (void)evaluator.print(evaluator.eval_file(folder.path / names[i]));
    } catch (const lang::EvalError& error) {
      found = "# " + std::string{lang::to_string(error.kind())} + " " + std::to_string(error.position().line) + ":" +
              std::to_string(error.position().column);
      CHECK(error.position().file == (folder.path / names[i]).string());
    }
    CHECK(found == heads[i]);
  }
}

TEST_CASE("derivations of all shapes are nix's to the byte: paths, texts and outputs") {
  if (skipped()) return;
  const oracle::Folder folder;
  const std::vector<std::string> entries = oracle::golden("derivations.txt");
  REQUIRE(entries.size() >= 30);
  const auto names = folder.write_entries("d", entries);
  const auto nix = folder.nix_instantiate(joined(names));
  CHECK(nix.status == 0);
  const auto expected = lines_of(nix.output);
  REQUIRE(expected.size() == entries.size());
  const std::string store_dir = (folder.path / "store").string();
  lang::MemoryEvalStore store{store_dir};
  lang::Evaluator evaluator{store, options_for(folder)};
  for (size_t i = 0; i < entries.size(); ++i) {
    INFO(entries[i]);
    try {
      const auto info = evaluator.derivation(evaluator.eval_file(folder.path / names[i]));
      REQUIRE(info);
      // nix-instantiate prints «PATH!OUTPUT» for outputs other than "out"
      CHECK(info->drv_path.full(store_dir) == expected[i].substr(0, expected[i].find('!')));
      CHECK(store.read_derivation(info->drv_path).to_aterm(store_dir) ==
            oracle::read_file(info->drv_path.full(store_dir)));
    } catch (const lang::EvalError& error) {
      FAIL_CHECK(lang::render_error(error));
    }
  }
  // and every derivation on the way there
  size_t files = 0;
  for (const auto& [path, derivation] : store.derivations()) {
    CHECK(derivation.to_aterm(store_dir) == oracle::read_file(path.full(store_dir)));
    ++files;
  }
  CHECK(files >= 60);
}
