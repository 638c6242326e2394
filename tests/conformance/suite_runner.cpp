// Runs the WebAssembly suites' scripts through the engine.
//
//   conformance LIST                 every file of LIST («name assertions» a line, # comments): all assertions pass,
//   and there are
//                                    as many as the list says, so that none can silently go missing
//   conformance --all                every file of the suite, for the work ahead: always succeeds
//   conformance --verbose … FILE…    these files; each failed assertion with its line
//   conformance --floor …            vectors in the encodings that every processor runs
//
// The suite is $KPKG_SUITES/wasm-core, by default ../shared/suites/wasm-core beside the checkout ($KPKG_SOURCE_DIR).
// Exit status: 0, 1 on failures, 2 on wrong use, 77 when there is no suite.
#include "runtime/text/text.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fs = std::filesystem;

namespace {

struct Entry {
  std::string name;        // below the suite's folder
  uint32_t assertions = 0; // expected
  bool known = false;      // whether `assertions` says anything
};

struct Totals {
  uint64_t passed = 0, assertions = 0;
  uint32_t whole_files = 0, files = 0;
};

fs::path suite_folder() {
  if (const char* set = std::getenv("KPKG_SUITES")) return fs::path(set) / "wasm-core";
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "../shared/suites/wasm-core";
}

// Runs one script; true when every assertion passed and none is missing.
bool run_file(const fs::path& folder, const Entry& entry, const runtime::EngineOptions& options, bool verbose,
              Totals& totals) {
  std::ifstream in(folder / entry.name, std::ios::binary);
  const std::string script{std::istreambuf_iterator<char>(in), {}};
  ++totals.files;
  if (!in) {
    std::printf("%s cannot be read\n", entry.name.c_str());
    return false;
  }
  runtime::Engine engine(options);
  auto result = runtime::run_script(engine, script);
  if (!result) {
    std::printf("%s is no script: %s\n", entry.name.c_str(), result.error().describe().c_str());
    return false;
  }
  totals.passed += result->passed;
  totals.assertions += result->assertions;
  std::printf("%s %u/%u\n", entry.name.c_str(), result->passed, result->assertions);
  if (verbose)
    for (const auto& failure : result->failures)
      std::printf("  %s:%u: %s\n", entry.name.c_str(), failure.line, failure.message.c_str());
  std::fflush(stdout);
  bool whole = result->passed == result->assertions;
  if (entry.known && result->assertions != entry.assertions) {
    std::printf("  the list says %u assertions\n", entry.assertions);
    whole = false;
  }
  totals.whole_files += whole ? 1 : 0;
  return whole;
}

std::vector<Entry> read_list(const char* path) {
  std::vector<Entry> entries;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Entry entry;
    if (!(words >> entry.name)) continue;
    entry.known = static_cast<bool>(words >> entry.assertions);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Entry> all_files(const fs::path& folder) {
  std::vector<Entry> entries;
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.path().extension() == ".wast")
      entries.push_back({.name = file.path().lexically_relative(folder).string()});
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

} // namespace

int main(int argc, char** argv) {
  const fs::path folder = suite_folder();
  bool all = false, verbose = false;
  runtime::EngineOptions options;
  std::vector<std::string> arguments;
  for (const std::string& argument : std::vector<std::string>(argv + 1, argv + argc)) {
    if (argument == "--all")
      all = true;
    else if (argument == "--verbose")
      verbose = true;
    else if (argument == "--floor")
      options.compile.vector_encoding = runtime::VectorEncoding::floor;
    else
      arguments.push_back(argument);
  }
  if (all == !arguments.empty()) {
    std::fputs("usage: conformance [--verbose] [--floor] (--all | LIST | FILE.wast…)\n", stderr);
    return 2;
  }
  if (!fs::is_directory(folder)) {
    std::printf("skipped: no WebAssembly suite in %s (set KPKG_SUITES)\n", folder.c_str());
    return 77;
  }
  std::vector<Entry> entries;
  const bool from_list = !all && !arguments[0].ends_with(".wast");
  if (all)
    entries = all_files(folder);
  else if (from_list)
    entries = read_list(arguments[0].c_str());
  else
    for (const std::string& name : arguments) entries.push_back({.name = name});
  if (entries.empty()) {
    std::fprintf(stderr, "%s names no files\n", arguments.empty() ? folder.c_str() : arguments[0].c_str());
    return 2;
  }

  Totals totals;
  for (const Entry& entry : entries) run_file(folder, entry, options, verbose || from_list, totals);
  std::printf("%lu of %lu assertions passed; %u of %u files wholly\n", totals.passed, totals.assertions,
              totals.whole_files, totals.files);
  return all || totals.whole_files == totals.files ? 0 : 1;
}
