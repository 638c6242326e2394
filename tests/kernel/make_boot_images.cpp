// Writes the scenarios as files for QEMU: NAME.img and NAME.cmdline for each, and damaged or wrongly described ones of
// "hello". Usage: make_boot_images SYSTEMS_FOLDER OUTPUT_FOLDER
#include "tests/kernel/scenarios.hpp"
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;

void write(const fs::path& folder, const std::string& name, const scenarios::Image& image,
           const std::string& command_line) {
  std::ofstream(folder / (name + ".img"), std::ios::binary)
      .write(reinterpret_cast<const char*>(image.bytes.data()), static_cast<std::streamsize>(image.bytes.size()));
  std::ofstream(folder / (name + ".cmdline")) << command_line;
}

void write_all(const fs::path& systems, const fs::path& output) {
  fs::create_directories(output);
  for (const auto& scenario : scenarios::all()) {
    const auto image = scenarios::build(scenario, systems);
    write(output, scenario.name, image, image.command_line());
  }
  const auto good = scenarios::build(scenarios::named("hello"), systems);
  const auto other = scenarios::build(scenarios::named("status-7"), systems);

  auto damaged = good; // one bit of the module's last byte: in the NAR, long after the manifest
  size_t last = damaged.bytes.size();
  while (damaged.bytes[--last] == std::byte{0}) {
  }
  damaged.bytes[last] ^= std::byte{1};
  write(output, "bit-flip", damaged, good.command_line());
  damaged = good; // one bit of the manifest
  damaged.bytes[40] ^= std::byte{1};
  write(output, "bit-flip-manifest", damaged, good.command_line());
  damaged = good;
  damaged.bytes.resize(damaged.bytes.size() - 4096);
  write(output, "truncated", damaged, good.command_line());
  damaged = good;
  damaged.bytes.assign(100, std::byte{'x'});
  write(output, "no-image", damaged, good.command_line());
  write(output, "wrong-generation", good, "kpkg.generation=" + other.generation + " kpkg.key=" + good.key);
  write(output, "wrong-key", good, "kpkg.generation=" + good.generation + " kpkg.key=" + other.key);
  write(output, "no-key", good, "kpkg.generation=" + good.generation);
  write(output, "malformed-generation", good, "kpkg.generation=sha256:zz kpkg.key=" + good.key);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_boot_images SYSTEMS_FOLDER OUTPUT_FOLDER\n");
    return 2;
  }
  try {
    write_all(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_boot_images: %s\n", error.what());
    return 1;
  }
  return 0;
}
