#include "kpkg/cli/progress.hpp"
#include "kpkg/cli/terminal_text.hpp"
#include <algorithm>
#include <cstdlib>
#include <format>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace kpkg {

namespace {

std::string package_of(const store::StorePath& drv) { // «hello-1.0» of …-hello-1.0.drv
  return std::string(drv.name().substr(0, drv.name().size() - 4));
}

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

} // namespace

bool has_live_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && terminal && std::string_view(terminal) != "dumb";
}

void Progress::planned(size_t builds, size_t substituted) {
  if (builds + substituted > 0) context_.say(std::format("{} to build, {} fetched", builds, substituted));
}

void Progress::started(const store::StorePath& drv) {
  if (!live_) return context_.say("building " + std::string(drv.name()));
  running_.push_back({package_of(drv), ""});
  draw();
}

void Progress::log_line(const store::StorePath& drv, std::string_view line) {
  const std::string_view left = store::last_overwritten(line);
  if (!live_) return context_.say_log_line(package_of(drv), left);
  const auto running = std::ranges::find(running_, package_of(drv), &Running::name);
  if (running == running_.end()) return;
  running->last_line = left;
  draw();
}

void Progress::finished(const store::StorePath& drv, double seconds) {
  ended(drv, std::format("built {} in {:.1f} s", drv.name(), seconds));
}

void Progress::failed(const store::StorePath& drv, const store::UserError&) {
  ended(drv, "failed " + std::string(drv.name()));
}

void Progress::ended(const store::StorePath& drv, const std::string& line) {
  erase();
  context_.say(line);
  if (!live_) return;
  const auto running = std::ranges::find(running_, package_of(drv), &Running::name);
  if (running != running_.end()) running_.erase(running);
  draw();
}

void Progress::erase() {
  if (drawn_lines_ > 0) std::cerr << std::format("\033[{}A\r\033[J", drawn_lines_) << std::flush;
  drawn_lines_ = 0;
}

void Progress::draw() {
  erase();
  const size_t columns = terminal_columns() - 1;
  std::string block;
  for (const auto& [name, last_line] : running_)
    block += clipped("building " + name + "  " + last_line, columns) + "\n";
  std::cerr << block << std::flush;
  drawn_lines_ = running_.size();
}

} // namespace kpkg
