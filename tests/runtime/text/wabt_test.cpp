// The suites' text modules as wabt's assembler translates them, byte for byte. wabt 1.0.32 reads WebAssembly 2.0; files
// that need more are left out by name, and so are those where wabt prefers another encoding of the same: «block (type
// $t)» as a plain result type, lists of «ref.func» as function indices.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/text/module_parser.hpp"
#include "runtime/text/text.hpp"
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

using namespace runtime;
namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path suites() {
  if (const char* set = std::getenv("KPKG_SUITES")) return set;
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "../shared/suites";
}

// A binary without its custom sections.
std::string without_customs(std::string_view wasm) {
  std::string out(wasm.substr(0, 8));
  for (size_t at = 8; at < wasm.size();) {
    const size_t begin = at++;
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<uint8_t>(wasm[at++]);
      size |= size_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    at += size;
    if (wasm[begin] != 0) out += wasm.substr(begin, at - begin);
  }
  return out;
}

// The text modules that stand for themselves in a script: line → our binary.
std::map<unsigned, std::string> our_modules(const std::string& script) {
  std::map<unsigned, std::string> modules;
  auto tokens = text::lex(script);
  REQUIRE(tokens);
  text::Cursor cursor(script, *tokens);
  while (cursor.kind() == text::TokenKind::left) {
    const unsigned line = text::line_of(script, cursor.peek().offset);
    cursor.advance();
    text::Cursor after = cursor;
    REQUIRE(after.skip_form());
    if (cursor.accept_keyword("module")) {
      cursor.accept(text::TokenKind::id);
      if (!cursor.at_keyword("binary") && !cursor.at_keyword("quote")) {
        auto binary = text::parse_module_fields(cursor, "");
        INFO("line " << line);
        if (!binary) FAIL(binary.error().describe());
        modules[line] = {reinterpret_cast<const char*>(binary->data()), binary->size()};
      }
    }
    cursor = after;
  }
  return modules;
}

// wast2json's list of commands has «"type": "module", "line": 5, … "filename": "x.0.wasm"» on a line each.
std::string field(const std::string& line, const std::string& name) {
  const size_t at = line.find("\"" + name + "\": ");
  if (at == line.npos) return "";
  const size_t begin = at + name.size() + 4;
  const size_t end = line.find_first_of(",}", begin);
  std::string value = line.substr(begin, end - begin);
  return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
}

} // namespace

TEST_CASE("text modules of the suites assemble to the bytes that wabt makes") {
  const fs::path folder = suites() / "wasm-core";
  if (!fs::exists(folder) || std::system("wast2json --version > /dev/null 2>&1") != 0) {
    std::puts("skipped: needs the WebAssembly suites (KPKG_SUITES) and wast2json (package wabt)");
    std::exit(77);
  }
  const fs::path work = fs::temp_directory_path() / ("wabt_test." + std::to_string(getpid()));
  fs::create_directories(work);
  unsigned compared = 0;
  for (const char* name :
       {"address", "br",          "br_if",       "call",         "conversions",     "data_drop0",
        "f32",     "f64_bitwise", "fac",         "float_exprs",  "float_literals",  "forward",
        "func",    "func_ptrs",   "int_exprs",   "int_literals", "labels",          "left-to-right",
        "load",    "local_set",   "memory_copy", "memory_init",  "memory_trap",     "names",
        "nop",     "return",      "simd_const",  "simd_lane",    "simd_load8_lane", "simd_i8x16_arith",
        "stack",   "start",       "switch",      "table_fill",   "table_set",       "unwind"}) {
    const fs::path script = folder / (std::string(name) + ".wast"), json = work / (std::string(name) + ".json");
    if (!fs::exists(script)) continue;
    const std::string command = "wast2json " + script.string() + " -o " + json.string() + " 2> /dev/null";
    if (std::system(command.c_str()) != 0) continue; // wabt does not know all of the file
    auto ours = our_modules(read_file(script));
    std::ifstream commands(json);
    for (std::string line; std::getline(commands, line);) {
      if (field(line, "type") != "module") continue;
      auto found = ours.find(static_cast<unsigned>(std::stoul(field(line, "line"))));
      if (found == ours.end()) continue; // a binary module
      INFO(name << ".wast line " << found->first);
      const std::string theirs = without_customs(read_file(work / field(line, "filename")));
      const bool equal = without_customs(found->second) == theirs; // not shown: binary
      CHECK(equal);
      ++compared;
    }
  }
  fs::remove_all(work);
  CHECK(compared >= 300);
}
