#include "kpkg/cli/interrupt.hpp"
#include <array>
#include <csignal>

namespace kpkg {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
std::atomic<bool> flag = false;
std::atomic<int> signal_seen = 0;
int guards = 0;

// Asynchronous-signal-safe: both atomics are lock-free, and signal(2) is.
void on_signal(int signal) {
  signal_seen = signal;
  flag = true;
  std::signal(signal, SIG_DFL);
}

} // namespace

InterruptGuard::InterruptGuard() {
  if (guards++ == 0 && !flag)
    for (const int signal : kSignals) std::signal(signal, on_signal);
}

InterruptGuard::~InterruptGuard() {
  if (--guards == 0)
    for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

const std::atomic<bool>& interrupted() { return flag; }

void end_by_interrupt() {
  if (signal_seen == 0) return;
  std::signal(signal_seen, SIG_DFL);
  std::raise(signal_seen);
}

} // namespace kpkg
