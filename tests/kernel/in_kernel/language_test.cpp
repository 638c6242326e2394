// The C++ language and its library work on the bare machine: exceptions, thread-local variables, containers,
// formatting.
#include "kernel/debug/kernel_test.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <expected>
#include <format>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

namespace {

thread_local int thread_counter = 41;
thread_local std::array<int, 8> thread_zeros;

struct Base {
  virtual ~Base() = default;
  virtual int value() const { return 1; }
};
struct Derived : Base {
  int value() const override { return 2; }
};

int destroyed = 0;
struct Counted {
  ~Counted() { ++destroyed; }
};
[[gnu::noinline]] void throws_through(int depth) {
  Counted counted;
  if (depth == 0) throw std::runtime_error("deep");
  throws_through(depth - 1);
}

int constructed = 0;
struct StaticObject {
  StaticObject() { ++constructed; }
} before_main;

} // namespace

KERNEL_TEST("an exception unwinds frames, runs destructors and arrives with its text") {
  destroyed = 0;
  std::string caught;
  try {
    throws_through(4);
  } catch (const std::exception& error) {
    caught = error.what();
  }
  CHECK(caught == "deep");
  CHECK(destroyed == 5);
}

KERNEL_TEST("operator new throws bad_alloc when memory is exhausted") {
  bool caught = false;
  try {
    // Called by its name: a new-expression whose object goes unused may be optimised away.
    (void)::operator new(size_t{1} << 44);
    CHECK(caught);
  } catch (const std::bad_alloc&) {
    caught = true;
  }
  CHECK(caught);
}

KERNEL_TEST("checked access throws out_of_range") {
  const std::vector<int> empty;
  bool caught = false;
  try {
    (void)empty.at(3);
  } catch (const std::out_of_range&) {
    caught = true;
  }
  CHECK(caught);
}

KERNEL_TEST("thread-local variables have their initial values and keep new ones") {
  CHECK(thread_counter == 41 || thread_counter == 42);
  thread_counter = 42;
  CHECK(thread_counter == 42);
  CHECK(std::ranges::all_of(thread_zeros, [](int v) { return v == 0; }));
}

KERNEL_TEST("errno keeps what was written") {
  errno = EINVAL;
  CHECK(errno == EINVAL);
  errno = 0;
}

KERNEL_TEST("constructors of static objects run once, before the tests") { CHECK(constructed == 1); }

KERNEL_TEST("a function's static variable is constructed at its first use") {
  const auto get = []() -> std::string& {
    static std::string text = "first";
    return text;
  };
  get() += "!";
  CHECK(get() == "first!" || get() == "first!!");
}

KERNEL_TEST("dynamic_cast and typeid know the object's type") {
  const std::unique_ptr<Base> object = std::make_unique<Derived>();
  CHECK(dynamic_cast<Derived*>(object.get()) != nullptr);
  CHECK(object->value() == 2);
  const Base& reference = *object;
  CHECK(typeid(reference) == typeid(Derived));
}

KERNEL_TEST("std::format formats integers, text and floating point numbers") {
  CHECK(std::format("{:>6}|{:<6}|{:#x}", 42, "ab", 255) == "    42|ab    |0xff");
  CHECK(std::format("{:.3f} {}", 3.14159, 0.1) == "3.142 0.1");
}

KERNEL_TEST("containers, expected, optional and function work") {
  std::unordered_map<std::string, int> words;
  for (const char* word : {"to", "be", "or", "not", "to", "be"}) ++words[word];
  CHECK(words["to"] == 2);
  CHECK(words.size() == 4);
  std::map<int, std::string> ordered;
  for (int i = 0; i < 1000; ++i) ordered[i * 7919 % 1000] = std::to_string(i);
  CHECK(ordered.size() == 1000);
  CHECK(std::ranges::is_sorted(ordered, {}, [](const auto& pair) { return pair.first; }));
  const std::expected<int, std::string> wrong = std::unexpected("no");
  CHECK(wrong.or_else([](const std::string& e) -> std::expected<int, std::string> { return int(e.size()); }).value() ==
        2);
  const std::function<int(int)> twice = [factor = 2](int v) { return v * factor; };
  CHECK(std::optional(21).transform(twice).value() == 42);
}

KERNEL_TEST("numbers survive to_chars and from_chars") {
  for (const double value : {0.0, 1.5, -3.25e100, 5e-324, 0.1}) {
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
    double back = 1;
    CHECK(std::from_chars(buffer, end.ptr, back).ec == std::errc{});
    CHECK(back == value);
  }
}

KERNEL_TEST("a mutex can be locked and unlocked") {
  std::mutex mutex;
  for (int i = 0; i < 3; ++i) {
    const std::lock_guard lock(mutex);
    CHECK(!mutex.try_lock());
  }
}

KERNEL_TEST_ALONE("panic: a mutex is locked twice") {
  // Through C, or the compiler's own analysis would see it.
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  (void)pthread_mutex_lock(&mutex);
  (void)pthread_mutex_lock(&mutex);
}

KERNEL_TEST_ALONE("panic: an index beyond a vectors end") {
  std::vector<int> numbers(3);
  volatile size_t index = 3;
  numbers[index] = 1;
}
