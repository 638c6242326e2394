// A system generation from its boot image to its last line: verify, compile, link, run.
//
// What the command line names is trusted, the image is not: the manifest counts only when a trusted key signed it and
// its hash is the one asked for, and a NAR only when it has the manifest's hash. Everything is checked before anything
// is used.
//
// Instances start in the manifest's order. Those that are linked to one another share a Store (a wasm call crosses
// between them); others share nothing. A trap or a failure ends its instance alone: later users of it are not started,
// the others go on. What stood on the stack of a trap was left in the middle of a call, so that every instance named in
// the backtrace ends.
//
// Pure but for SystemHost: the same code runs in host tests.
#pragma once
#include "kernel/system/exit_status.hpp"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kernel {

struct SystemRequest {
  std::string generation;        // «sha256:NIX32»
  std::vector<std::string> keys; // «NAME:BASE64»
  std::span<const std::byte> image;
};

struct SystemHost {
  std::function<void(std::string_view text)> write; // the console
  std::function<uint64_t()> now_us;
  // Runs a function on a guarded stack of its own (the engine asks the platform for its limit).
  std::function<void(const std::function<void()>& function)> on_guest_stack;
};

enum class SystemEnd : uint8_t {
  ran,         // `status` is the system's
  refused,     // the image is not what was asked for
  bad_request, // the command line's own values are malformed, or there is no image
};
struct SystemResult {
  SystemEnd end = SystemEnd::ran;
  uint32_t status = 0; // exit_status.hpp
};

[[nodiscard]] SystemResult run_system(const SystemRequest& request, const SystemHost& host);

} // namespace kernel
