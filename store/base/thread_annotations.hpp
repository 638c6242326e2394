// Which mutex guards which data, in words that clang checks (-Wthread-safety): an access without the lock does not
// compile. libc++'s std::mutex, lock_guard and scoped_lock of one mutex carry the attributes themselves;
// std::unique_lock does not, so who waits uses std::condition_variable_any on the mutex itself.
//
//   std::mutex mutex_;
//   std::map<…> entries_ KPKG_GUARDED_BY(mutex_);
//   void insert_locked(…) KPKG_REQUIRES(mutex_);
#pragma once

#define KPKG_GUARDED_BY(mutex) __attribute__((guarded_by(mutex)))
#define KPKG_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__))) // the caller holds it
#define KPKG_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))      // the caller must not hold it
