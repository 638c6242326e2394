// The verdicts that the specification's suite expects of the decoder and the validator, over the modules that wabt's
// wast2json can assemble (it knows little of Wasm 3.0; the text parser's own runner covers the rest).
#include <new>

#include <catch2/catch.hpp>

#include "runtime/validate/validate.hpp"
#include "tests/runtime/validate/scratch_folder.hpp"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace runtime;

namespace {

std::string verdict(std::vector<std::byte> bytes) {
  TypeRegistry types;
  const auto module = decode_module(std::move(bytes), types);
  const Result<void> valid = module ? validate_module(**module, types) : std::unexpected(module.error());
  if (valid) return "module";
  switch (valid.error().kind) {
  case ErrorKind::malformed:
    return valid.error().message == "data count section required" ? "no data count" : "assert_malformed";
  case ErrorKind::invalid: return "assert_invalid";
  default: return valid.error().describe();
  }
}

// The value of a string member in a line of wast2json's output, which has one command a line.
std::string member(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\": \"";
  const size_t at = line.find(key);
  if (at == std::string::npos) return {};
  const size_t start = at + key.size();
  return line.substr(start, line.find('"', start) - start);
}

} // namespace

TEST_CASE("the suite's modules are accepted, malformed or invalid as it says") {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(suite_folder(), error))
    if (entry.path().extension() == ".wast") files.push_back(entry.path());
  if (files.empty() || !run("wast2json --version")) {
    std::cout << "suite verdicts skipped: " << (files.empty() ? "no suites (KPKG_SUITES)" : "wabt is not installed")
              << std::endl;
    std::_Exit(77);
  }
  std::ranges::sort(files);

  const ScratchFolder folder;
  uint32_t modules = 0, malformed = 0, invalid = 0, not_assembled = 0;
  for (const std::filesystem::path& file : files) {
    const std::filesystem::path json = folder.path() / (file.stem().string() + ".json");
    if (!run("wast2json --enable-all --no-check '" + file.string() + "' -o '" + json.string() + "'")) {
      ++not_assembled;
      continue;
    }
    std::ifstream lines(json);
    for (std::string line; std::getline(lines, line);) {
      const std::string type = member(line, "type"), name = member(line, "filename");
      if (!name.ends_with(".wasm")) continue;
      const bool refused = type == "assert_malformed" || type == "assert_invalid";
      std::string found = verdict(read_bytes(folder.path() / name));
      // wabt assembles memory.init without the data count section when the module has no segment.
      if (found == "no data count")
        found = member(line, "text").starts_with("unknown") ? "assert_invalid" : "assert_malformed";
      INFO(file.filename().string() << " " << line);
      CHECK(found == (refused ? type : "module"));
      ++(type == "assert_malformed" ? malformed : type == "assert_invalid" ? invalid : modules);
    }
  }
  std::cout << "suite verdicts: " << modules << " modules accepted, " << malformed << " malformed, " << invalid
            << " invalid; " << not_assembled << " of " << files.size() << " files not assembled by wabt" << std::endl;
  CHECK(modules > 500);
  CHECK(malformed > 500);
  CHECK(invalid > 1000);
}
