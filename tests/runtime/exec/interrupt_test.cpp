// Stopping guests that do not stop by themselves.
#include "tests/runtime/exec/guest.hpp"

#include <chrono>
#include <csignal>
#include <sys/time.h>
#include <thread>

using namespace runtime;
using namespace runtime::testing;
using namespace std::chrono_literals;

TEST_CASE("another thread stops an endless loop") {
  Guest guest;
  guest.add(
      R"((module (func $spin (export "spin") (loop $again (br $again))) (func (export "ok") (result i32) (i32.const 1))))");
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    guest.store.interrupt();
  });
  const Error error = guest.error("spin");
  stopper.join();
  CHECK(error.trap == TrapCode::interrupted);
  CHECK(frames(error) == "spin@guest");
  CHECK(guest.error("ok").trap == TrapCode::interrupted); // until it is cleared
  guest.store.clear_interrupt();
  CHECK(guest.result("ok") == 1);
}

namespace {
Store* g_store = nullptr;
}

TEST_CASE("a signal handler stops a loop that counts") {
  Guest guest;
  guest.add(R"((module (global $n (export "n") (mut i64) (i64.const 0))
    (func (export "count") (local i64) (loop $again
      (global.set $n (i64.add (global.get $n) (i64.const 1))) (br_if $again (i32.const 1))))))");
  g_store = &guest.store;
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) { g_store->interrupt(); };
  sigaction(SIGALRM, &action, &before);
  const itimerval once{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 20'000}};
  setitimer(ITIMER_REAL, &once, nullptr);
  CHECK(guest.error("count").trap == TrapCode::interrupted);
  sigaction(SIGALRM, &before, nullptr);
  CHECK(guest.exported<Global>("n")->get().bits[0] > 0);
}

TEST_CASE("a recursion that grows no deeper than the stack is stopped at a function's entry") {
  Guest guest;
  guest.add(R"((module (func $f (export "f") (param i32)
    (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1))))))))");
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    guest.store.interrupt();
  });
  CHECK(guest.error("f", {Value::i32(64)}).trap == TrapCode::interrupted); // 2^64 calls
  stopper.join();
}

TEST_CASE("an interrupted host function passes it on") {
  Guest guest;
  guest.host("env", "wait", {{}, {}}, [](HostCall& call) -> Result<void> {
    while (!call.store.interrupted()) std::this_thread::sleep_for(1ms);
    return {};
  });
  guest.add(
      R"((module (import "env" "wait" (func $wait)) (func $next) (func (export "f") (call $wait) (call $next))))");
  std::thread stopper([&] {
    std::this_thread::sleep_for(10ms);
    guest.store.interrupt();
  });
  CHECK(guest.error("f").trap == TrapCode::interrupted);
  stopper.join();
}
