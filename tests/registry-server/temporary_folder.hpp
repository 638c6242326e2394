// A folder of its own for each test, gone after it.
#pragma once
#include "store/posix/durable_file.hpp"

struct TemporaryFolder {
  std::filesystem::path path = store::temporary_name(std::filesystem::temp_directory_path(), "registry-test");
  TemporaryFolder() { std::filesystem::create_directory(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};
