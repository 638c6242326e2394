// WASI preview 1 (wasi_snapshot_preview1): arguments, environment, stdio, clocks, randomness, exit. Files come later:
// every call of the 46 exists; those on what is not granted answer with the errno the specification names (BADF, NOSYS,
// NOTCAPABLE).
#pragma once
#include "runtime/engine.hpp"

namespace runtime {

// What the guest may touch and where it goes; one object per guest, outlives the Store it is linked into.
struct Preview1Options {
  std::vector<std::string> args; // argv[0] first
  std::vector<std::pair<std::string, std::string>> env;
  bool clocks = true;
  bool random = true;
  // A stream that is not granted reads as end of input and refuses writes with EBADF.
  std::function<Result<size_t>(std::span<const std::byte>)> write_stdout, write_stderr;
  std::function<Result<size_t>(std::span<std::byte>)> read_stdin;
};

// Streams of the platform (terminal, serial line).
[[nodiscard]] Preview1Options preview1_on_platform(std::vector<std::string> args);

// Defines all functions of wasi_snapshot_preview1 (and of the older name wasi_unstable where equal) in `linker`.
void define_preview1(Linker& linker, Store& store, std::shared_ptr<const Preview1Options> options);

// Runs a command module: `_start`, or `_initialize` then nothing for a reactor. The exit status (proc_exit's, 0 when
// _start returns), or the Error that is not an exit.
[[nodiscard]] Result<uint32_t> run_command(Store& store, Instance& instance);

} // namespace runtime
