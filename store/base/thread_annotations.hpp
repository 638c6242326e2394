// Clang's thread-safety analysis (-Wthread-safety): which mutex guards which data, checked by the compiler. A member
// says KPKG_GUARDED_BY(mutex_), a function that wants the mutex held says KPKG_REQUIRES(mutex_) and is named …_locked.
// std::mutex carries no annotations here: Mutex and MutexLock do, and cost nothing else.
#pragma once
#include <mutex>

#define KPKG_GUARDED_BY(mutex) __attribute__((guarded_by(mutex)))
#define KPKG_PT_GUARDED_BY(mutex) __attribute__((pt_guarded_by(mutex))) // what a pointer leads to
#define KPKG_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define KPKG_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))

namespace store {

class __attribute__((capability("mutex"))) Mutex {
public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() __attribute__((acquire_capability())) { mutex_.lock(); }
  void unlock() __attribute__((release_capability())) { mutex_.unlock(); }

private:
  std::mutex mutex_;
};

// Held until the end of the scope. lock() and unlock() are for std::condition_variable_any, whose wait() ends with the
// mutex held again.
class __attribute__((scoped_lockable)) MutexLock {
public:
  explicit MutexLock(Mutex& mutex) __attribute__((acquire_capability(mutex))) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() __attribute__((release_capability())) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  void lock() __attribute__((acquire_capability())) { mutex_.lock(); }
  void unlock() __attribute__((release_capability())) { mutex_.unlock(); }

private:
  Mutex& mutex_;
};

} // namespace store
