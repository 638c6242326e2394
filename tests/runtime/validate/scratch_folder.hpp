// A folder of its own for what a test exchanges with programs of others; removed with what is in it.
#pragma once
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace runtime {

class ScratchFolder {
public:
  ScratchFolder()
      : path_(std::filesystem::temp_directory_path() / ("kpkg-validate-" + std::to_string(std::random_device()()))) {
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// Runs a shell command quietly; true when it ended with status 0.
inline bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

inline std::filesystem::path suite_folder() {
  if (const char* suites = std::getenv("KPKG_SUITES")) return std::filesystem::path(suites) / "wasm-core";
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  return std::filesystem::path(source != nullptr ? source : ".") / "../shared/suites/wasm-core";
}

} // namespace runtime
