// Builds as they go on: on a terminal a block of one line a running build (its name and the last line of its log),
// redrawn in place below the lines of what has ended; elsewhere plain lines, the log's included; nothing with --quiet.
#pragma once
#include "derivations/realise/scheduler.hpp"
#include "kpkg/cli/context.hpp"
#include <vector>

namespace kpkg {

// Calls come one at a time (BuildObserver).
class Progress final : public realise::BuildObserver {
public:
  Progress(const Context& context, bool terminal) : context_(context), live_(terminal && !context.quiet) {}
  ~Progress() override { erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void planned(size_t builds, size_t substituted) override;
  void started(const store::StorePath& drv) override;
  void log_line(const store::StorePath& drv, std::string_view line) override;
  void finished(const store::StorePath& drv, double seconds) override;
  void failed(const store::StorePath& drv, const store::UserError& error) override;

private:
  struct Running {
    std::string name, last_line;
  };
  void ended(const store::StorePath& drv, const std::string& line);
  void erase();
  void draw();
  const Context& context_;
  bool live_;
  std::vector<Running> running_;
  size_t drawn_lines_ = 0;
};

// Whether standard error is a terminal that can move its cursor.
[[nodiscard]] bool has_live_terminal();

} // namespace kpkg
