// A guest with preview 1 whose streams are strings, for tests.
#pragma once
#include "runtime/wasi/preview1.hpp"
#include "tests/runtime/exec/guest.hpp"
#include <algorithm>
#include <cstring>

namespace runtime::testing {

struct WasiGuest : Guest {
  explicit WasiGuest(std::vector<std::string> args = {"guest"}, std::string input = {},
                     std::vector<std::pair<std::string, std::string>> env = {})
      : in(std::move(input)) {
    options->args = std::move(args);
    options->env = std::move(env);
    options->write_stdout = [this](std::span<const std::byte> data) -> Result<size_t> { return append(out, data); };
    options->write_stderr = [this](std::span<const std::byte> data) -> Result<size_t> { return append(err, data); };
    options->read_stdin = [this](std::span<std::byte> data) -> Result<size_t> {
      const size_t count = std::min(data.size(), in.size());
      std::memcpy(data.data(), in.data(), count);
      in.erase(0, count);
      return count;
    };
  }
  void define() { define_preview1(linker, store, options); }
  static size_t append(std::string& to, std::span<const std::byte> data) {
    to.append(reinterpret_cast<const char*>(data.data()), data.size());
    return data.size();
  }
  std::shared_ptr<Preview1Options> options = std::make_shared<Preview1Options>();
  std::string in, out, err;
};

} // namespace runtime::testing
