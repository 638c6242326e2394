// Child processes: started by posix_spawn(3) with exactly the descriptors that are asked for, watched by a pidfd,
// killed and reaped when their owner goes.
#pragma once
#include "store/posix/unique_fd.hpp"
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace store {

struct Pipe {
  UniqueFd read, write; // close-on-exec
};
[[nodiscard]] Pipe make_pipe();

// The file that PATH leads to; `name` itself where it has a slash. Nothing where no executable file is found.
[[nodiscard]] std::optional<std::filesystem::path> find_program(std::string_view name);

struct SpawnOptions {
  std::filesystem::path program;      // as find_program gives it
  std::vector<std::string> arguments; // without the program's own name
  // The child's descriptors: number there, descriptor here. 0, 1 and 2 are /dev/null unless they are listed; every
  // other one is closed.
  std::vector<std::pair<int, int>> descriptors;
  std::optional<std::vector<std::string>> environment; // NAME=VALUE; nothing: this process's own
};

// How a process ended.
struct ProcessEnd {
  std::optional<int> exit_status; // of its own accord
  int signal = 0;                 // else the signal that ended it
};

// Not thread-safe. Signals stand in the child as a program expects them at its start, whatever this process does.
class ChildProcess {
public:
  explicit ChildProcess(const SpawnOptions& options); // UserError where it cannot be started
  ~ChildProcess();                                    // kills it, if it still runs, and waits for that
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] int pid() const { return pid_; }           // its own as long as wait() was not called
  [[nodiscard]] int pidfd() const { return pidfd_.get(); } // for poll(2): readable when it has ended
  void kill(int signal = 9);                               // nothing where it has ended
  ProcessEnd wait();
  // The same within `timeout`, else nothing and it goes on.
  [[nodiscard]] std::optional<ProcessEnd> wait_for(std::chrono::milliseconds timeout);

private:
  int pid_ = -1;
  UniqueFd pidfd_;
  std::optional<ProcessEnd> end_;
};

// Standard output of a program that must end with status 0; its standard error is this process's.
[[nodiscard]] std::string output_of(const std::filesystem::path& program, std::vector<std::string> arguments);

} // namespace store
