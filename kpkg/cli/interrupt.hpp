// Ctrl-C (SIGINT) and SIGTERM while work is going on that cleans up after itself: the first one asks it to stop, the
// second one ends the program at once. Elsewhere the first one does: nothing in a store minds.
#pragma once
#include <atomic>

namespace kpkg {

// While one lives, a signal only sets the flag. Guards may lie in each other; not for several threads.
class InterruptGuard {
public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

// Set by a signal, never cleared: whatever sees it stops as soon as it can.
[[nodiscard]] const std::atomic<bool>& interrupted();

// Ends the process by the signal that interrupted it, so that a shell's loop stops with it. Returns where there was
// none.
void end_by_interrupt();

} // namespace kpkg
