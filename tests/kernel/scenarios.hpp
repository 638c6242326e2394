// Small systems for the tests, made of the text modules in tests/kernel/systems/: signed boot images, whole or damaged
// on purpose. The host tests run them in-process; make_boot_images writes them to files for QEMU.
#pragma once
#include "store/format/boot_image.hpp"
#include <filesystem>
#include <string>
#include <vector>

namespace scenarios {

struct Image {
  std::vector<std::byte> bytes;
  std::string generation; // «sha256:NIX32»
  std::string key;        // «NAME:BASE64», public
  [[nodiscard]] std::string command_line() const { return "kpkg.generation=" + generation + " kpkg.key=" + key; }
};

struct Guest {
  std::string name;
  std::string wat; // file in systems/ without ".wat"; empty: no WebAssembly at all
  std::map<std::string, std::string> links = {};
  std::vector<std::string> args = {};
  std::vector<std::string> grants = {};
  store::ExitPolicy exit = store::ExitPolicy::wait;
  uint64_t memory_limit_bytes = 0;
};

struct Scenario {
  std::string name;
  std::vector<Guest> guests;
};

// All of them, in a fixed order.
[[nodiscard]] const std::vector<Scenario>& all();
[[nodiscard]] const Scenario& named(std::string_view name);

// Throws std::runtime_error when a module does not parse.
[[nodiscard]] Image build(const Scenario& scenario, const std::filesystem::path& systems);

} // namespace scenarios
