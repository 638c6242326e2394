// What an evaluation may see and use, and what it has used.
#pragma once
#include "store/format/store_path.hpp"
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lang {

struct EvalOptions {
  // Pure: no environment variables, no current time or system, no ~/ paths, no <…> but those of `search_path`.
  bool pure = true;
  // Where files may lie in pure evaluation, besides the store and the program itself. None given: anywhere.
  std::optional<std::vector<std::filesystem::path>> allowed_paths{};
  // <NAME> and <NAME/rest>: name and folder or file; an empty name searches the folder's entries. First match wins.
  std::vector<std::pair<std::string, std::filesystem::path>> search_path;
  // Files that are part of the program: canonical absolute path → text, which must outlive the evaluator. Seen before
  // the disk by whatever reads, lists or imports; they cannot be copied to the store.
  std::map<std::string, std::string_view> embedded_files{};
  std::string store_dir = std::string{store::kStoreDir};
  std::string current_system = "x86_64-linux";          // builtins.currentSystem, only if not pure
  size_t max_stack_bytes = size_t{256} << 20;           // reserved, not used until needed
  uint64_t max_memory_bytes = ~uint64_t{0};             // of values; what an operation needs meanwhile is not counted
  std::chrono::seconds max_time{0};                     // of processor, for all that an Evaluator does; 0: any
  size_t max_trace_frames = 12;                         // kept of an error's trace, innermost ones
  std::function<void(std::string_view)> trace_output{}; // builtins.trace; default: "trace: …" on standard error
};

struct EvalStatistics {
  uint64_t calls = 0;        // of functions written in the language
  uint64_t primop_calls = 0; // of builtins
  uint64_t thunks = 0;       // made
  uint64_t symbols = 0;
  uint64_t allocated_bytes = 0;
  double cpu_seconds = 0; // in the evaluator since it was made
};

} // namespace lang
