// The locks that libc++, libunwind and libsodium take. One processor runs one thread of control, and interrupt handlers
// take no locks: a lock that is taken while held can never be released, and is a panic instead of a silent deadlock.
#include "kernel/debug/panic.hpp"
#include <pthread.h>

namespace {

// Our own view of the (40 and 56 bytes large) glibc objects: zero-initialised ones are free.
struct Lock {
  int held;
  int kind; // glibc's layout has the owner here; static recursive initialisers are not used by the libraries
};
Lock& lock_of(pthread_mutex_t* mutex) { return *reinterpret_cast<Lock*>(mutex); }

struct SharedLock {
  int readers; // -1: held for writing
};
SharedLock& lock_of(pthread_rwlock_t* lock) { return *reinterpret_cast<SharedLock*>(lock); }

} // namespace

extern "C" {

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t*) noexcept {
  lock_of(mutex) = {};
  return 0;
}
int pthread_mutex_destroy(pthread_mutex_t*) noexcept { return 0; }
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (lock_of(mutex).held != 0) kernel::panic("a mutex is locked twice");
  lock_of(mutex).held = 1;
  return 0;
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  constexpr int kBusy = 16;
  if (lock_of(mutex).held != 0) return kBusy;
  lock_of(mutex).held = 1;
  return 0;
}
int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (lock_of(mutex).held == 0) kernel::panic("a mutex is unlocked that nobody holds");
  lock_of(mutex).held = 0;
  return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  if (lock_of(lock).readers < 0) kernel::panic("a lock is taken for reading while held for writing");
  ++lock_of(lock).readers;
  return 0;
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  if (lock_of(lock).readers != 0) kernel::panic("a lock is taken for writing while held");
  lock_of(lock).readers = -1;
  return 0;
}
int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  if (lock_of(lock).readers == 0) kernel::panic("a lock is unlocked that nobody holds");
  if (lock_of(lock).readers < 0)
    lock_of(lock).readers = 0;
  else
    --lock_of(lock).readers;
  return 0;
}

int pthread_cond_wait(pthread_cond_t*, pthread_mutex_t*) {
  kernel::panic("a wait on a condition that nobody else can signal");
}
int pthread_cond_broadcast(pthread_cond_t*) noexcept { return 0; }
int pthread_cond_signal(pthread_cond_t*) noexcept { return 0; }
int pthread_cond_destroy(pthread_cond_t*) noexcept { return 0; }

int pthread_once(pthread_once_t* once, void (*function)()) {
  if (*once == 0) {
    *once = 1;
    function();
  }
  return 0;
}
// libc++abi keeps its fallback for thread-local destructors here.
int pthread_key_create(pthread_key_t*, void (*)(void*)) noexcept { return 0; }
void* pthread_getspecific(pthread_key_t) noexcept { return nullptr; }
int pthread_setspecific(pthread_key_t, const void*) noexcept { return 0; }
pthread_t pthread_self() noexcept { return 1; }
}
